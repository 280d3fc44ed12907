"""The tiers of the suite: `make quick` leaves out the modules named here, `make test` runs all."""

from __future__ import annotations

import hypothesis
import pytest

# No test depends on how busy the machine is.
hypothesis.settings.register_profile("datagen", deadline=None)
hypothesis.settings.load_profile("datagen")

#: Modules that start servers, load models, kill processes or compare long lists: most of the suite's time.
INTEGRATION = frozenset(
    {
        "test_attacks.py",
        "test_bad_input.py",
        "test_batch.py",
        "test_broken_servers.py",
        "test_chain.py",
        "test_claims.py",
        "test_dialect.py",
        "test_directory.py",
        "test_doctor.py",
        "test_endpoint.py",
        "test_engines.py",
        "test_errors.py",
        "test_eval.py",
        "test_evolve.py",
        "test_extend.py",
        "test_faults.py",
        "test_find.py",
        "test_fit.py",
        "test_forecast.py",
        "test_human_eval.py",
        "test_init.py",
        "test_llama_local.py",
        "test_llama_server.py",
        "test_made.py",
        "test_maintenance.py",
        "test_money.py",
        "test_publish.py",
        "test_rank.py",
        "test_read.py",
        "test_references.py",
        "test_resume.py",
        "test_sample.py",
        "test_sandbox.py",
        "test_screen.py",
        "test_standing.py",
        "test_streams.py",
        "test_train.py",
        "test_transformers_local.py",
        "test_vllm_offline.py",
        "test_vllm_server.py",
        "test_words.py",
    }
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of those modules."""
    for item in items:
        if item.path.name in INTEGRATION:
            item.add_marker(pytest.mark.integration)
