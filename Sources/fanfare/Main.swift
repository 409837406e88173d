import ArgumentParser
import FanfareServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the process begins. The main thread sleeps: an asynchronous `main` would hand it to libdispatch, which ends it,
/// and valgrind, with which costs are counted exactly, can't follow a process whose first thread is gone.
@main
enum Main {
    static func main() {
        Task.detached {
            await Fanfare.main(SettingArguments.joined(Array(CommandLine.arguments.dropFirst())))
            exit(EXIT_SUCCESS)
        }
        while true { pause() }
    }
}
