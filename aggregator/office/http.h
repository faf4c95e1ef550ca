/* http.h - the HTTP thread: turns requests into questions for the desk and answers into JSON or CSV. It knows no figures
 * and opens no store. */
#ifndef AGGREGATOR_OFFICE_HTTP_H
#define AGGREGATOR_OFFICE_HTTP_H

#include "fault.h"
#include "status.h"

#include <stdint.h>

#define HTTP_DESK_ENDPOINT "inproc://office-http" /* the desk's ROUTER, bound before http_start */

struct http;
/* Listens on "host:port" (port 0: any free one; http_port tells) and starts the thread. */
enum status http_start(void *zmq_context, const char *listen, struct http **ret_http, struct fault *why) MUST_CHECK;
uint16_t http_port(const struct http *http);
void http_stop(struct http **http); /* waits for the thread; what still waits for an answer gets 503 */

#endif
