"""--stats against NumPy, which decodes what was written by itself."""
import struct

import gguf_file
import numpy
import program

SHAPE = (1280, 700)  # columns, rows: more than one piece of work


def tensor_at(data, count, size):
    """The bytes of the only tensor, which ends the file, padded or not."""
    start = len(data) - size
    start -= start % 32
    return data[start:start + size]


def decoded_q8_0(raw):
    blocks = numpy.frombuffer(raw, numpy.uint8).reshape(-1, 34)
    scales = blocks[:, :2].copy().view(numpy.float16).astype(numpy.float32)
    return (scales * blocks[:, 2:].copy().view(numpy.int8).astype(numpy.float32)).reshape(-1)


def decoded_q4_0(raw):
    blocks = numpy.frombuffer(raw, numpy.uint8).reshape(-1, 18)
    scales = blocks[:, :2].copy().view(numpy.float16).astype(numpy.float32)
    nibbles = numpy.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return (scales * (nibbles.astype(numpy.float32) - 8)).reshape(-1)


def decoded_f16(raw):
    return numpy.frombuffer(raw, numpy.float16).astype(numpy.float32)


DECODERS = {"q8_0": (decoded_q8_0, 34 / 32), "q4_0": (decoded_q4_0, 18 / 32), "f16": (decoded_f16, 2)}


class Statistics(program.Case):
    provenance = "none"

    def setUp(self):
        super().setUp()
        self.values = numpy.random.RandomState(3).standard_normal(SHAPE[0] * SHAPE[1]).astype(numpy.float32)
        self.source = self.write("in.gguf", gguf_file.file_bytes([], [("w", SHAPE, gguf_file.F32, self.values.tobytes())]))

    def measured(self, encoding, *options):
        report = self.must_json("convert", self.source, self.path("out.gguf"), "--quantize", encoding, "--as-is", "--force",
                                "--json", *options)
        return report["tensors"][0]

    def test_figures(self):
        """rmse, relative rmse, largest error with its element, and cosine are NumPy's"""
        for encoding, (decode, bytes_per_weight) in DECODERS.items():
            with self.subTest(encoding=encoding):
                found = self.measured(encoding, "--stats")["statistics"]
                raw = tensor_at(program.bytes_of(self.path("out.gguf")), self.values.size, int(self.values.size * bytes_per_weight))
                x, y = self.values.astype(numpy.float64), decode(raw).astype(numpy.float64)
                error = numpy.abs(x - y)
                self.assertAlmostEqual(found["rmse"], numpy.sqrt(numpy.mean(error ** 2)), delta=1e-12)
                self.assertAlmostEqual(found["relative_rmse"], numpy.sqrt(numpy.sum(error ** 2) / numpy.sum(x ** 2)), delta=1e-12)
                self.assertAlmostEqual(found["cosine"], numpy.dot(x, y) / numpy.sqrt(numpy.dot(x, x) * numpy.dot(y, y)), delta=1e-12)
                self.assertEqual(found["max_error"], error.max())
                self.assertEqual(found["max_error_index"], int(error.argmax()))

    def test_threads(self):
        """threads and memory change no digit"""
        expected = self.measured("q4_0", "--stats", "--threads", "1")["statistics"]
        for threads, memory in ((2, "4MiB"), (7, "4MiB"), (16, "64MiB")):
            self.assertEqual(self.measured("q4_0", "--stats", "--threads", threads, "--memory", memory)["statistics"], expected)

    def test_report(self):
        """the text report has a line for each tensor that changed, JSON null for one that did not, nothing unasked"""
        done = self.must("convert", self.source, self.path("out.gguf"), "--quantize", "q4_0", "--as-is", "--force", "--stats")
        self.assertRegex(done.out, r'"w"\s+q4_0\s+0\.\d+\s+0\.\d+\s+\d')
        self.assertIsNone(self.measured("f32", "--stats")["statistics"])
        self.assertNotIn("statistics", self.measured("q4_0"))

    def test_same_bytes(self):
        """measuring changes nothing in the output"""
        first = self.measured("q4_0")["sha256"]
        self.assertEqual(self.measured("q4_0", "--stats")["sha256"], first)


program.main()
