# Writes the bytes of INPUT as a C array SYMBOL into the header OUTPUT.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n  " hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT} "/* Generated. */\n#ifdef __cplusplus\nalignas(16)\n#else\n_Alignas(16)\n#endif\nstatic const unsigned char ${SYMBOL}[] = {\n  ${bytes}\n};\n")
