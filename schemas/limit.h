/* limit.h - everything an outsider can grow has its number here. */
#ifndef SCHEMAS_LIMIT_H
#define SCHEMAS_LIMIT_H

#define LIMIT_CODE_BYTES 64              /* a code: unit, element, form, goal, agent ... */
#define LIMIT_NAME_BYTES 512             /* a name or title */
#define LIMIT_SUBJECT 160                /* bytes of what a finding is about, with terminator */
#define LIMIT_TEXT_BYTES 4096            /* any other text: reason, message, note, expression */
#define LIMIT_CSV_FIELD_BYTES 65536      /* one cell */
#define LIMIT_CSV_COLUMNS 4096           /* cells a row */
#define LIMIT_FILE_BYTES (256 << 20)     /* a report or catalogue file */
#define LIMIT_FILE_FIGURES (2 << 20)     /* figures a report file: less than 1 GiB of memory while it is being judged */
#define LIMIT_EXPRESSION_TERMS 64        /* terms of a linear expression */
#define LIMIT_DECIMALS 9                 /* decimals of an element or an indicator */
#define LIMIT_BATCH_RECORDS 4096         /* records a batch */
#define LIMIT_BATCH_BYTES (256 << 10)    /* bytes a batch */
#define LIMIT_MESSAGE_BYTES (1 << 20)    /* bytes a wire message from a collector */
#define LIMIT_ANSWER_BYTES (256 << 20)   /* bytes of an answer to a question */
#define LIMIT_QUESTION_BYTES (64 << 10)  /* bytes of a question */
#define LIMIT_REVISION 134217727         /* highest revision: 27 bits in a page slot */

#endif
