import Foundation
import Synchronization

/// A process that a test starts: its output is kept for a failing test to show, and it ends with the test process
/// whatever happens to that.
public final class ChildProcess: Sendable {
    private struct Output {
        var lines: [String] = []
        var partial = ""
        /// Whether its end was read: nobody can write any more.
        var hasEnded = false
    }

    public let name: String
    private let process: Mutex<Process>
    private let output = Mutex(Output())

    /// The process id.
    public let pid: Int32

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name to be found on the PATH.
    ///   - environment: added to this process' own.
    public init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], name: String
    ) throws {
        self.name = name
        let process = Process()
        // The kernel ends the child with the thread that made it; that thread lives as long as this process.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = ["--pdeathsig", "KILL", executable] + arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("FANFARE_") }
            .merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try Spawner.shared.run(process)
        self.pid = process.processIdentifier
        self.process = Mutex(process)
        readToEnd(pipe.fileHandleForReading)
    }

    deinit { kill(pid, SIGKILL) }

    /// How long what it wrote before its end is waited for.
    private static let lastWords = Duration.seconds(5)

    /// Whether it has not ended.
    public var isRunning: Bool { process.withLock(\.isRunning) }

    /// Its last lines, both streams together.
    public var log: String { output.withLock { ($0.lines + [$0.partial]).joined(separator: "\n") } }

    /// Sends a signal.
    public func signal(_ number: Int32) { if isRunning { kill(pid, number) } }

    /// Waits for its end, and for its last words, and gives the exit status, negative for a signal.
    @discardableResult
    public func waitForExit(within limit: Duration = patience) async throws -> Int32 {
        try await eventually(within: limit, "\(name) ends\n\(log)") { !self.isRunning }
        // Not for ever: a child of its own may hold the pipe open.
        try? await eventually(within: Self.lastWords, "\(name) says no more") { self.output.withLock(\.hasEnded) }
        return process.withLock { $0.terminationReason == .exit ? $0.terminationStatus : -$0.terminationStatus }
    }

    /// SIGTERM, and SIGKILL if that does not help.
    public func stop(within limit: Duration = patience) async {
        signal(SIGCONT)
        signal(SIGTERM)
        if (try? await waitForExit(within: limit)) == nil { await kill() }
    }

    /// SIGKILL.
    public func kill() async {
        signal(SIGKILL)
        _ = try? await waitForExit()
    }

    private func kill(_ pid: Int32, _ number: Int32) { _ = Foundation.kill(pid, number) }

    /// Reads all that it writes, on a thread of its own: a handler of Foundation's is not always told of the end.
    private func readToEnd(_ handle: FileHandle) {
        let thread = Thread { [weak self] in
            var bytes = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(handle.fileDescriptor, &bytes, bytes.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                self?.keep(bytes[..<count])
            }
            self?.output.withLock { $0.hasEnded = true }
        }
        thread.start()
    }

    private func keep(_ bytes: ArraySlice<UInt8>) {
        output.withLock { output in
            let text = output.partial + String(decoding: bytes, as: UTF8.self)
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            output.partial = lines.popLast() ?? ""
            output.lines = (output.lines + lines).suffix(2_000)
        }
    }
}

/// One thread that makes all children: the kernel's parent-death signal is tied to the thread.
private final class Spawner: Sendable {
    static let shared = Spawner()

    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let signal = DispatchSemaphore(value: 0)

    init() {
        let thread = Thread { [self] in
            // Threads of a pool block all signals, and children would with this one: they would not hear SIGTERM.
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            while true {
                signal.wait()
                let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                job?()
            }
        }
        thread.start()
    }

    func run(_ process: Process) throws {
        let outcome = Outcome()
        jobs.withLock {
            $0.append {
                do { try process.run() } catch { outcome.error.withLock { $0 = error } }
                outcome.isDone.signal()
            }
        }
        signal.signal()
        outcome.isDone.wait()
        if let error = outcome.error.withLock(\.self) { throw error }
    }

    private final class Outcome: Sendable {
        let isDone = DispatchSemaphore(value: 0)
        let error = Mutex<(any Error)?>(nil)
    }
}
