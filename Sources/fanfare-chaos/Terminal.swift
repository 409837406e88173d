#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The person's terminal.
enum Terminal {
    static var isThere: Bool { isatty(2) == 1 }

    static func say(_ text: String) {
        var text = text
        // Nothing sensible can be done when the terminal is gone.
        text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
    }

    /// As a shell reports a program that SIGINT ended. The kernel ends the children.
    static func quit() -> Never { exit(130) }
}
