#include "ratio.h"
