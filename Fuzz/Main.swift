import CLibFuzzer

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The target of this process. One program holds them all, so that it is linked once; `FUZZ_TARGET` says which one runs.
///
/// Unsafe only in name: set once, before libFuzzer calls anything, and libFuzzer has one thread.
nonisolated(unsafe) private var target: FuzzTarget?

@main
enum Main {
    static func main() {
        let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
        target = FuzzTarget.all.first { $0.name == name }
        guard target != nil else {
            for target in FuzzTarget.all { print(target.name, target.maxBytes) }
            exit(name.isEmpty ? 0 : 2)
        }
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(LLVMFuzzerRunDriver(&count, &arguments, runOne))
    }
}

/// What libFuzzer's own `main` would call, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func runOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target?.run(FuzzInput(UnsafeRawBufferPointer(start: start, count: count)))
    return 0
}
