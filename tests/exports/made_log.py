"""Event logs made by hand from the text of formats/facts/provenance.md alone, to put beside a checkpoint."""
import base64
import hashlib
import json

NS = "https://heirloom.example/ns/"
REVISION = "a1b2c3d4e5f60718293a4b5c6d7e8f9011121314"


def canonical(value):
    """RFC 8785 for what these logs hold: no floats, keys of ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def line(statement, keys=()):
    payload = canonical(statement).encode()
    return json.dumps({"payload": base64.b64encode(payload).decode(), "payloadType": "application/vnd.in-toto+json",
                       "signatures": [{"keyid": key, "sig": base64.b64encode(b"sig").decode()} for key in keys]})


def event_id(statement):
    return sha256(canonical(statement))


def statement(subject, predicate_type, predicate):
    return {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate_type, "predicate": predicate}


def weights(name, stored, metadata, **more):
    return {"name": name, "digest": {"weightStoredRootV1": stored, "metadataRootV1": metadata}, **more}


def file(name, role, data="text"):
    return {"name": name, "digest": {"sha256": sha256(data)}, "annotations": {"role": role}}


def event(kind, source, made, parameters, dependencies=(), prior=(), side_files=()):
    used = [{**source, "annotations": {**source.get("annotations", {}), "role": "weights"}}, *dependencies]
    used += [{"name": "event", "digest": {"sha256": one}, "annotations": {"role": "prior-event"}} for one in prior]
    return statement([made, *side_files], "https://slsa.dev/provenance/v1", {
        "buildDefinition": {"buildType": NS + kind + "/v1", "externalParameters": parameters, "resolvedDependencies": used},
        "runDetails": {"builder": {"id": NS + "builder/local/v1", "version": {"heirloom": "0.1.0"}},
                       "byproducts": [{"name": "tensor-receipts.jsonl", "digest": {"sha256": sha256("receipts")}}]}})


def lineage(source, claims):
    return statement([{"name": source["name"], "digest": source["digest"]}], NS + "lineage/v1", {"claims": [
        dict(zip(("field", "value", "status", "from"), claim)) for claim in claims]})


def run(of, files, finished="2026-08-25T09:01:30Z"):
    event = event_id(of)
    return statement([{"name": "event", "digest": {"sha256": event}}], NS + "run/v1", {
        "event": event, "invocationId": "urn:uuid:5b7f7f4e-7f0c-5d0f-8e0a-0c3b1f1b6d10", "startedOn": "2026-08-25T09:00:00Z",
        "finishedOn": finished, "builderDependencies": [{"name": "heirloom", "digest": {"sha256": sha256("program")}},
                                                        {"name": "heirloom_gguf", "digest": {"sha256": sha256("plugin")}}],
        "internalParameters": {"isa": "avx2", "threads": "2"}, "files": files})


CLAIMS = [("license", "apache-2.0", "declared", "README.md#/license"),
          ("license-text", sha256("licence"), "observed", "LICENSE"),
          ("dataset", "allenai/dolmino-mix-1124", "declared", "README.md#/datasets/0"),
          ("base-model", "allenai/OLMo-2-base", "declared", "README.md#/base_model"),
          ("organization", "Allen Institute for AI", "declared", "README.md#/organization"),
          ("author", "Somebody", "declared", "README.md#/author"),
          ("tag", "text-generation", "declared", "README.md#/pipeline_tag"),
          ("repository", "https://huggingface.co/allenai/OLMo-2-0425-1B", "declared", ".git/config"),
          ("revision", REVISION, "declared", ".git/HEAD")]


class Chain:
    """A source of the hub, converted to F16 and then quantized to what lies at hand under `name`."""

    def __init__(self, name, metadata_root, size, digest, claims=CLAIMS):
        source = weights("OLMo-2-0425-1B", "11" * 32, "12" * 32, annotations={"format": "safetensors", "files": ["model.safetensors"]})
        middle = weights("olmo-f16.gguf", "21" * 32, "22" * 32, annotations={"format": "gguf", "files": ["olmo-f16.gguf"]})
        made = weights(name, "31" * 32, metadata_root)
        repository = {"uri": f"git+https://huggingface.co/allenai/OLMo-2-0425-1B@{REVISION}", "digest": {"gitCommit": REVISION},
                      "annotations": {"role": "repository"}}
        self.lineage = lineage(source, claims)
        bare = {key: middle[key] for key in ("name", "digest")}
        self.convert = event("convert", source, bare, {"source": "OLMo-2-0425-1B", "sourceFormat": "safetensors", "target": "gguf",
                                                       "recipe": "F16", "architecture": "olmo2", "options": {}},
                             [repository, file("LICENSE", "license", "licence"), file("README.md", "model-card"), file("config.json", "config"),
                              file("tokenizer.json", "tokenizer")], [event_id(self.lineage)], side_files=[{"name": "LICENSE", "digest": {"sha256": sha256("licence")}}])
        self.quantize = event("quantize", middle, made, {"source": "olmo-f16.gguf", "sourceFormat": "gguf", "target": "gguf",
                                                         "recipe": "Q4_K_M", "architecture": "olmo2", "options": {"imatrix": "yes"}},
                              [file("olmo.imatrix", "importance-matrix")], [event_id(self.convert)])
        self.run = run(self.quantize, [{"name": name, "size": size, "sha256": digest}])
        self.statements = [self.lineage, self.convert, self.quantize, self.run]

    def text(self):
        lines = [line(self.lineage), line(self.convert, ["ab" * 32]), line(self.quantize), line(self.run)]
        return "\n".join(lines) + "\n"
