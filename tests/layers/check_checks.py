"""The checks of this folder notice what they are for: each fault, planted in a tiny tree, is reported."""
import os
import shutil
import subprocess
import sys

import program

LONG_FUNCTION = "int f(int a) {\n" + "  a += 1;\n" * 60 + "  return a;\n}\n"
FAULTS = {
    "an engine file includes a plugin": ("check_includes.py", {"engine/plan/a.cpp": '#include "plugins/gguf/x.hpp"\n'}, "may not include \"plugins/gguf\""),
    "a plugin includes the engine": ("check_includes.py", {"plugins/gguf/a.cpp": '#include "engine/model/model.hpp"\n'}, "may not include \"engine/model\""),
    "kernels include the engine": ("check_includes.py", {"engine/kernels/a.cpp": '#include "engine/base/log.hpp"\n'}, "may not include \"engine/base\""),
    "a lower module includes a higher one": ("check_includes.py", {"engine/base/a.cpp": '#include "engine/plan/plan.hpp"\n'}, "may not include \"engine/plan\""),
    "xsimd outside of its folder": ("check_includes.py", {"engine/encoding/a.cpp": "#include <xsimd/xsimd.hpp>\n"}, "<xsimd/xsimd.hpp> may be included only"),
    "a second file with Boost.DLL": ("check_includes.py", {"engine/host/a.cpp": "#include <boost/dll.hpp>\n", "engine/host/b.cpp": "#include <boost/dll/a.hpp>\n"}, "in one file"),
    "an unknown library": ("check_includes.py", {"engine/base/a.cpp": "#include <curl/curl.h>\n"}, "is not in layers.txt"),
    "a module that nobody declared": ("check_includes.py", {"engine/extra/a.cpp": "\n"}, "is not in layers.txt"),
    "a header that is nowhere": ("check_includes.py", {"engine/base/a.cpp": '#include "gone.hpp"\n'}, "neither a header of ours"),
    "headers in a circle": ("check_includes.py", {"engine/base/a.hpp": '#include "engine/base/b.hpp"\n', "engine/base/b.hpp": '#include "engine/base/a.hpp"\n'}, "circle: "),
    "a source of 401 lines": ("check_lengths.py", {"engine/base/a.cpp": "\n" * 401}, "401 lines"),
    "a header of 301 lines": ("check_lengths.py", {"engine/base/a.hpp": "\n" * 301}, "301 lines"),
    "a function of 63 lines": ("check_lengths.py", {"engine/base/a.cpp": "namespace n {\n" + LONG_FUNCTION + "}\n"}, "a.cpp:2: a function of 63 lines"),
    "a method of 63 lines": ("check_lengths.py", {"engine/base/a.hpp": "struct S {\n  " + LONG_FUNCTION + "};\n"}, "a.hpp:2: a function of 63 lines"),
}
CLEAN = {
    "engine/base/a.cpp": '#include "engine/base/log.hpp"\n#include "heirloom/result.hpp"\n#include <vector>\n// #include <curl/curl.h>\n'
                         "struct Table {\n" + "  int a;\n" * 70 + "};\n" + 'const char* brace = "{ {";\n',
    "engine/kernels/simd/a.cpp": "#include <xsimd/xsimd.hpp>\n",
    "plugins/gguf/a.cpp": '#include "heirloom/plugin.hpp"\n#include "gguf_manifest.h"\n',
}


class Checks(program.Case):
    def check(self, script, files):
        for name, text in files.items():
            self.write("tree/" + name, text.encode())
        os.makedirs(self.path("tree/tests/layers"), exist_ok=True)
        shutil.copy(os.path.join(program.SOURCE, "tests/layers/layers.txt"), self.path("tree/tests/layers/layers.txt"))
        done = subprocess.run([sys.executable, "-B", os.path.join(program.SOURCE, "tests/layers", script)],
                              env={**os.environ, "HEIRLOOM_SOURCE_DIR": self.path("tree")}, capture_output=True, text=True)
        shutil.rmtree(self.path("tree"))
        return done

    def test_each_fault(self):
        """every planted fault is reported with exit 1"""
        for what, (script, files, message) in FAULTS.items():
            with self.subTest(what=what):
                done = self.check(script, files)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(message, done.stdout)

    def test_clean_tree(self):
        """a tree without faults passes"""
        for script in ("check_includes.py", "check_lengths.py"):
            done = self.check(script, CLEAN)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


program.main()
