"""Trains the embedded vision-language model: data made by code, features cached, a recipe anyone can run."""
