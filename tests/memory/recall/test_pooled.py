import numpy as np

from memory.recall import pooled


def test_one_representative_speaks_for_all_layers(make_policy, make_entry, make_query):
    policy, entries = make_policy("pooled"), [make_entry(block_id) for block_id in range(1, 30)]
    for entry in entries:
        policy.add(entry)
    query = make_query()
    digests = np.stack([entry.digest.astype(np.float32) for entry in entries])
    spread = np.einsum("nld,ld->nl", digests.mean(axis=2), query.keys).std(axis=0)
    scores = (np.einsum("nlrd,ld->nlr", digests, query.keys) / spread[:, None]).mean(axis=1).max(axis=1)
    hits = policy.rank(query, 99)
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(scores)[::-1], rtol=2e-3)


def test_the_scale_is_estimated_from_the_whole_stream(make_policy, make_entry, make_query, monkeypatch):
    monkeypatch.setattr(pooled, "SAMPLE", 16)
    policy = make_policy("pooled")
    for block_id in range(1, 401):
        # Layer 0 is a hundred times as loud from block 17 on.
        entry = make_entry(block_id)
        policy.add(make_entry(block_id, digest=entry.digest * (100 if block_id > 16 else 1)))
    keys = make_query().keys
    early = np.stack([make_entry(block_id).digest.mean(1).astype(np.float32) for block_id in range(1, 17)])
    assert (policy._spread(keys) > 30 * np.einsum("nld,ld->nl", early, keys).std(axis=0)).all()
