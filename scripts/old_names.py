#!/usr/bin/env python3
"""Lists every item that is defined under a name that this project has given up. Exits with 1 if there is one.

A definition is a type, trait, function, constant, module, field, variant or file. A use of such a word in a comment is
not one. Each name has the one that replaced it.

Usage: scripts/old_names.py [directory of the repository]
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from code_lines import without_comments  # noqa: E402

TYPES = {
    "Told": "FieldAnnotations", "Meaning": "FieldPlan", "Way": "Accepts", "Mark": "NameFingerprint", "Takes": "Accepts",
    "Names": "NameCache", "Wall": "AuditFilter", "Recorder": "AuditLayer", "Rooms": "LineBatch", "Remains": "Recovered",
    "Large": "RecordQueue", "Flow": "TurnTracker", "Step": "TurnEvent", "Of": "TurnRef", "Given": "BuilderConfig",
    "Settings": "Config", "Surroundings": "EnvSource", "Around": "RecordContext", "Finder": "Detector", "Found": "Match",
    "Plain": "Normalized", "Manner": "FieldMode", "Make": "LineMapper", "Evidence": "InclusionProof", "Retain": "Retention",
    "Held": "HeldResponse", "Sent": "ResponseStream", "Check": "GuardrailCheck", "Piece": "Chunk", "Reach": "EventDelivery",
    "Verify": "VerifyOptions", "Verified": "VerifyReport", "Report": "CheckReport", "Exported": "ExportSummary",
    "Indexed": "IndexSummary", "Spread": "Histogram", "Form": "Replacement",
    "Treatment": "FieldPolicy", "Identifier": "IdentifierPolicy",
}
TRAITS = {"Kind": "RuleName"}
VARIANTS = {"Doubled": "Duplicated"}
FUNCTIONS = {
    "patience": "enqueue_timeout", "pulse": "heartbeat_interval", "low_space": "low_disk_threshold", "buffer": "buffer_capacity",
    "retain": "retention", "redaction_keys_given": "redaction_keyring", "probe": "check_event_delivery",
    "against": "checkpoint", "say": "warn", "around": "env",
}
MODULES = {
    "told": "annotations", "own": "system_records", "say": "diagnostics", "room": "field_buffer", "put": "write",
    "place": "lock, adopt", "meaning": "field_schema", "names": "name_cache", "watch": "monitor", "watched": "span_usage",
    "leaves": "merkle", "helper": "worker", "lines": "line_batch", "survey": "recovery", "aside": "system_records",
    "mark": "inflight", "flow": "turn_tracker", "settings": "config", "find": "detect", "plain": "normalize",
    "choose": "resolve_overlaps", "ahead": "parallel_scan", "sieve": "prefilter", "make": "line_mapper",
    "said": "system_events", "judge": "check_seal", "prove": "inclusion", "unsealed": "seal_resume",
    "stamps": "record_heads", "nearest": "suggest",
}
FIELDS = {
    "starved": "events_filtered", "trail_fed": "trail_events_delivered", "trail_starved": "trail_events_filtered",
    "trail_put_back": "trail_file_restored", "patience": "enqueue_timeout", "pulse": "heartbeat_interval",
}

DEFINITIONS = [
    (TYPES, re.compile(r"\b(?:struct|enum|union|trait|type)\s+(\w+)")),
    (TRAITS, re.compile(r"\btrait\s+(\w+)")),
    (VARIANTS, re.compile(r"^\s+(\w+)(?:\s*\{|\(|,)", re.MULTILINE)),
    (FUNCTIONS, re.compile(r"\bfn\s+(\w+)")),
    (MODULES, re.compile(r"\bmod\s+(\w+)")),
    (FIELDS, re.compile(r"^\s+(?:pub(?:\([^)]*\))?\s+)?(\w+):", re.MULTILINE)),
]

def definitions(code):
    for names, pattern in DEFINITIONS:
        for found in pattern.finditer(code):
            if found.group(1) in names:
                yield code.count("\n", 0, found.start(1)) + 1, found.group(1), names[found.group(1)]


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    count = 0
    for source in [root / "src", *sorted(root.glob("crates/*/src"))]:
        for path in sorted(source.rglob("*.rs")):
            where = path.relative_to(root).as_posix()
            if path.stem in MODULES:
                print(f"{where}: a file called {path.stem}; rather {MODULES[path.stem]}")
                count += 1
            for line, name, rather in sorted(definitions(without_comments(path.read_text()))):
                print(f"{where}:{line}: {name}; rather {rather}")
                count += 1
    print(f"{count} definitions under an old name")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
