# Writes OUTPUT: const unsigned char NAME[] with the bytes of INPUT and a terminating zero; NAME_length without it.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT} "#include <stddef.h>\nextern const unsigned char ${NAME}[];\nextern const size_t ${NAME}_length;\nconst unsigned char ${NAME}[] = {${bytes}0};\nconst size_t ${NAME}_length = sizeof(${NAME}) - 1;\n")
