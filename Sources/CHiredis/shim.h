// hiredis' reply reader and command formatter; its own network code is not used (D1 in docs/decisions.md).
#pragma once
#include <hiredis/hiredis.h>
