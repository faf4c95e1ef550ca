#include "period.h"
