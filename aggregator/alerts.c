#include "alerts.h"
