// hiredis' reply reader and command formatter; its own network code is not used (see docs/decisions.md).
#pragma once
#include <hiredis/hiredis.h>
