"""The file of decisions and its schema."""

from __future__ import annotations

import json
from importlib import resources

from decontam.review import Decision, read


def test_schema_is_the_reader(tmp_path):
    """The schema that ships names the fields that the reader takes, and what a decision can be."""
    schema = json.loads(resources.files("decontam").joinpath("review.schema.json").read_text())
    fields = schema["properties"]
    assert sorted(set(fields) - set(schema["required"])) == ["note"]
    file = tmp_path / "review.json"
    for word in fields["decision"]["enum"]:
        row = dict.fromkeys(fields, "x") | {"decision": word}
        file.write_text(json.dumps([row]))
        assert read(file) == [Decision("x", "x", "x", word == "drop", "x")]
