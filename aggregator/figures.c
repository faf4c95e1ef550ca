#include "figures.h"
