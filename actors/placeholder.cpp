#include "actors/ports.hpp"
