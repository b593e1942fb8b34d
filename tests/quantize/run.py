"""Whole files against llama.cpp: what heirloom writes in one pass is what llama_model_quantize makes of our BF16 GGUF.

  run.py PEER [MODEL-REGEX [RECIPE-REGEX]]

Models: the toy model, checkpoints of every mapped architecture, and GGUF files of hard shapes; recipes: all that heirloom
lists, each with and without an importance matrix. Tensors must agree in order, name, type, shape, offset and bytes, keys in
order, type and value, apart from heirloom.*. The recipes that follow llama.cpp's converter (from Hugging Face: F32, F16,
BF16, Q8_0) keep its order, so there order is left out. Where both refuse, that is agreement.
"""
import concurrent.futures
import itertools
import json
import os
import queue
import re
import resource
import subprocess
import sys
import threading
from collections import Counter, defaultdict, namedtuple

import compare_gguf
import dump_gguf
import imatrix_file
import importance
import models
import program

LIBRARIES = os.path.join(os.environ["HEIRLOOM_NPM_DIR"], "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
CONVERTER_RECIPES = ("F32", "F16", "BF16", "Q8_0")
GRIDS = ("iq1_s", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s")
SHOWN = 6
SKIPPED = 77

# source: what heirloom reads; gguf: what the peer reads; imatrices: (for heirloom, for the peer), which say the same
Model = namedtuple("Model", "name source gguf imatrices")
Case = namedtuple("Case", "model recipe is_weighted options")
Outcome = namedtuple("Outcome", "verdict lines")
VERDICTS = {"same": "the same", "refused": "refused by both", "different": "DIFFERENT"}

# Options that both programs know, tried on the models and recipes named; more than one recipe is separated by blanks. Not
# here: --tensor-type beside F32, F16 or BF16, which llama.cpp ignores and heirloom does not.
OPTION_CASES = (
    ("dense", "Q4_K_M IQ4_XS Q8_0", ("--pure",)),
    ("dense", "Q4_K_M Q8_0", ("--leave-output-tensor",)),
    ("dense", "Q4_K_M F16", ("--output-tensor-type", "q8_0")),
    ("dense", "Q2_K F16", ("--token-embedding-type", "q5_0")),
    ("tied", "Q4_K_M", ("--output-tensor-type", "q5_k")),
    ("tied", "Q4_K_M", ("--token-embedding-type", "iq4_nl")),
    ("tied", "Q4_K_M", ("--token-embedding-type", "q3_k", "--output-tensor-type", "q5_k")),
    ("dense", "Q4_K_M", ("--tensor-type", "attn_v=q5_0")),
    ("dense", "Q4_K_M", ("--tensor-type", r"blk\.[2-5]\.ffn_down=q3_k", "--tensor-type", "ffn=iq4_nl")),
    ("dense", "Q4_K_M", ("--tensor-type", "ffn=iq4_nl", "--tensor-type", r"blk\.[2-5]\.ffn_down=q3_k")),
    ("dense", "Q3_K_M", ("--pure", "--tensor-type", "attn_q=f16")),
    ("rows of 288", "Q4_K_M", ("--tensor-type", "ffn_up=q6_k", "--tensor-type", "ffn_gate=q1_0")),
    ("8 experts", "Q4_K_M", ("--pure",)),
    ("LlamaForCausalLM", "Q4_K_M", ("--leave-output-tensor", "--tensor-type", "attn_k=q8_0")),
)


def weighted_tensors(manifest):
    """{name: (columns, matrices)} of what an importance matrix of this model has: matrices of the blocks, and the output."""
    found = {}
    for tensor in manifest["tensors"]:
        name, shape = tensor["name"], tensor["shape"]
        is_block = name.startswith("blk.") and name.endswith(".weight") and "_norm" not in name and "ffn_gate_inp" not in name
        if len(shape) >= 2 and (is_block or name == "output.weight"):
            found[name] = (shape[0], shape[2] if len(shape) > 2 else 1)
    return found


def prepared(name, source, gguf, imatrix_suffix):
    entries = importance.synthetic(weighted_tensors(dump_gguf.dump(gguf)), len(name))
    paths = {".dat": gguf[:-len(".gguf")] + ".dat", ".gguf": gguf[:-len(".gguf")] + "-imatrix.gguf"}
    for suffix, data in ((".dat", importance.legacy_bytes(entries)), (".gguf", imatrix_file.gguf_bytes(entries))):
        with open(paths[suffix], "wb") as file:
            file.write(data)
    return Model(name, source, gguf, (paths[imatrix_suffix], paths[".dat"]))


def hugging_face_model(name):
    base = os.path.join(program.WORK, name)
    source = program.LICENCE_LM
    if name != "licence-lm-2m":
        source = program.checkpoint(name, base, *models.OPTIONS.get(name, models.SMALLER))
    done = program.run("convert", source, base + "-bf16.gguf", "--quantize", "BF16", "--force")
    if done.code != 0:
        raise SystemExit(f"{name} to BF16: {done}")
    return prepared(name, source, base + "-bf16.gguf", ".dat")


def gguf_model(name, model):
    path = model.write(os.path.join(program.WORK, name.replace(" ", "-") + ".gguf"))
    return prepared(name, path, path, ".gguf")


def recipes():
    done = program.run("recipes", "--json")
    for recipe in json.loads(done.out)["recipes"]:
        if recipe["name"] == "COPY" or recipe.get("file_type") is not None:
            yield recipe["name"], recipe.get("file_type")
        else:
            print(f"not compared: {recipe['name']}, which llama.cpp does not have")


def option_cases(known):
    for name, names, options in OPTION_CASES:
        for recipe in names.split():
            if name in known:
                yield Case(known[name], recipe, False, options)
    # From quantized weights: refused, unless it is asked for.
    if "dense" in known:
        source = os.path.join(program.WORK, "quantized.gguf")
        done = program.run("convert", known["dense"].source, source, "--quantize", "Q8_0", "--force")
        if done.code == 0:
            quantized = known["dense"]._replace(name="quantized", source=source, gguf=source)
            yield Case(quantized, "Q4_K_M", False, ())
            yield Case(quantized, "Q4_K_M", False, ("--allow-requantize",))
            yield Case(quantized, "COPY", False, ())


class Peer:
    """llama.cpp as one process that forks for each job (tests/peer), since it takes long to prepare some encodings."""

    def __init__(self, path, file_types):
        grids = GRIDS if any(name.startswith(("IQ1", "IQ2", "IQ3")) for name in file_types) else ()
        self.process = subprocess.Popen([path, LIBRARIES, "--serve", ",".join(grids) or "q4_0"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.lock, self.answers, self.numbers, self.seconds = threading.Lock(), {}, itertools.count(), 0.0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            number, code, milliseconds = line.split()
            self.seconds += int(milliseconds) / 1000
            self.answers.pop(int(number)).put(int(code))
        for answer in list(self.answers.values()):
            answer.put(None)

    def run(self, arguments, log):
        """The job's exit code, negative for a signal, and what it said."""
        answer = queue.SimpleQueue()
        with self.lock:
            number = next(self.numbers)
            self.answers[number] = answer
            self.process.stdin.write("\t".join((str(number), log, *arguments)) + "\n")
        code = answer.get(timeout=600)
        with open(log, encoding="utf-8", errors="backslashreplace") as file:
            text = file.read()
        os.remove(log)
        return code, text


def peer_arguments(case, file_types, out):
    file_type = file_types[case.recipe]
    arguments = [case.model.gguf, out, str(file_type if file_type is not None else 7), "--threads", "1"]
    arguments += ["--copy"] if case.recipe == "COPY" else []
    if case.is_weighted:
        ours, theirs = case.model.imatrices
        arguments += ["--imatrix", theirs, "--imatrix-name", ours]
    return arguments + list(case.options)


def reason(text):
    """The line of a program's talk that says why not."""
    lines = [line.strip() for line in text.splitlines() if re.search(r"error|failed to quantize", line, re.I)]
    return (lines or text.strip().splitlines() or [""])[-1][:200]


def run_case(peer, case, file_types, number):
    ours, theirs = (os.path.join(program.WORK, f"case-{number}-{side}.gguf") for side in ("ours", "theirs"))
    arguments = ["convert", case.model.source, ours, "--quantize", case.recipe, "--threads", "1", "--force", *case.options]
    arguments += ["--imatrix", case.model.imatrices[0]] if case.is_weighted else []
    done = program.run(*arguments)
    code, said = peer.run(peer_arguments(case, file_types, theirs), theirs + ".log")
    try:
        if code not in (0, 1):
            return Outcome("different", [f"the peer ended with {code}: {said[-600:]}"])
        if done.code != 0 and code != 0:
            return Outcome("refused", [f"heirloom: {reason(done.err)}", f"llama.cpp: {reason(said)}"])
        if done.code != 0:
            return Outcome("different", [f"heirloom refuses: {reason(done.err)}"])
        if code != 0:
            return Outcome("different", [f"llama.cpp refuses: {reason(said)}"])
        in_order = case.model.source == case.model.gguf or case.recipe not in CONVERTER_RECIPES
        lines = compare_gguf.differences(dump_gguf.dump(ours), dump_gguf.dump(theirs), in_order=in_order)
        return Outcome("different" if lines else "same", lines)
    finally:
        for path in (ours, theirs):
            if os.path.exists(path):
                os.remove(path)


def label(case):
    return " ".join((case.recipe, *case.options))


def report(cases, outcomes):
    """Prints one paragraph for each model and way, and the reasons of what both refuse."""
    groups = defaultdict(list)
    for case, outcome in zip(cases, outcomes):
        groups[case.model.name, "with importance" if case.is_weighted else "without importance"].append((case, outcome))
    reasons = {}
    for (name, way), members in groups.items():
        for verdict, words in VERDICTS.items():
            labels = [label(case) for case, outcome in members if outcome.verdict == verdict]
            if labels:
                print(f"{name}, {way}: {len(labels)} {words}: {', '.join(labels)}")
        for case, outcome in members:
            if outcome.verdict == "different":
                print(f"    {label(case)}:")
                for line in outcome.lines[:SHOWN] + ([f"and {len(outcome.lines) - SHOWN} more"] if len(outcome.lines) > SHOWN else []):
                    print(f"        {line}")
            elif outcome.verdict == "refused":
                reasons.setdefault(label(case), outcome.lines)
    for what, lines in reasons.items():
        print(f"refused by both, {what}: " + "; ".join(lines))


def main():
    path = sys.argv[1]
    if not os.path.exists(os.path.join(LIBRARIES, "libllama.v0.5.0.so")) or not os.path.exists(path):
        print(f"skipped: no llama.cpp v0.5.0 in {LIBRARIES}, or no {path}")
        return SKIPPED
    model_pattern, recipe_pattern = (sys.argv[2:] + ["", ""])[:2]
    os.makedirs(program.WORK, exist_ok=True)
    names = [name for name in ("licence-lm-2m", *models.mapped_checkpoints()) if re.search(model_pattern, name)]
    known = {name: hugging_face_model(name) for name in names}
    known.update((name, gguf_model(name, model)) for name, model in models.gguf_models().items() if re.search(model_pattern, name))
    file_types = {name: number for name, number in recipes() if re.search(recipe_pattern, name)}
    help_text = program.run("convert", "--help").out
    ways = (False, True) if "--imatrix" in help_text else (False,)
    cases = [Case(model, recipe, is_weighted, ()) for model in known.values() for is_weighted in ways for recipe in file_types
             if models.is_tried(model.name, recipe)]
    cases += [case for case in option_cases(known) if case.recipe in file_types]
    before, peer = resource.getrusage(resource.RUSAGE_CHILDREN), Peer(path, file_types)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda pair: run_case(peer, pair[1], file_types, pair[0]), enumerate(cases)))
    report(cases, outcomes)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"processor time: heirloom {used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime:.0f} s, "
          f"llama.cpp {peer.seconds:.0f} s and some to prepare")
    counts = Counter(outcome.verdict for outcome in outcomes)
    print(f"{len(file_types)} recipes, {len(known)} models ({len(names)} from Hugging Face), {len(cases)} comparisons: "
          + ", ".join(f"{counts[verdict]} {words}" for verdict, words in VERDICTS.items()))
    return 1 if counts["different"] or not counts["same"] else 0


sys.exit(main())
