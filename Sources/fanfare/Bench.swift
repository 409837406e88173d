import ArgumentParser
import FanfareBench
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `fanfare bench`.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts load on a server and measures what arrives.",
        discussion: """
            Connects clients, each to one channel, publishes at a steady rate whatever the server does, and checks that \
            every client hears every publication of its channel once and in order. Ctrl-C ends a run early; it is \
            reported all the same.

              fanfare bench ws://127.0.0.1:8000/ --clients 10000 --channels 100 --rate 500 --duration 30s
              fanfare bench ws://127.0.0.1:8000/ --protocol centrifuge --metrics-url http://127.0.0.1:9000
              fanfare bench ws://127.0.0.1:8000/ --publish redis --publish-url redis://127.0.0.1:6379 --json

            Ends with status 0 when everything arrived, 1 when something did not or clients could not connect, and 64 \
            for wrong options.
            """)

    @Argument(
        help: ArgumentHelp(
            "ws:// or wss:// and the node's public address. Without a path, the protocol's own is taken; {channel} in a "
                + "path stands for the channel's name."))
    var url: String
    @OptionGroup(title: "Load") var load: BenchLoadOptions
    @OptionGroup(title: "Publishing") var publishing: BenchPublishOptions
    @OptionGroup(title: "Connecting") var connecting: BenchConnectOptions
    @OptionGroup(title: "Report") var report: BenchReportOptions

    func validate() throws {
        do throws(BenchProblems) {
            _ = try plan()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let control = BenchControl()
        let interrupts = await UnixSignalsSequence(trapping: .sigint)
        let watch = Task {
            for await _ in interrupts {
                if control.isStopped { Exit.atOnce() }
                control.stop()
            }
        }
        defer { watch.cancel() }
        let progress = BenchProgress(isTerminal: isatty(2) == 1) { StandardError.write($0) }
        do {
            let result = try await BenchRun.run(plan(), control: control, progress: progress)
            print(report.json ? try result.json() : result.table)
            if !result.ok { throw ExitCode.failure }
        } catch let failure as BenchFailure {
            throw Exit.failed("\(failure)", code: .failure)
        }
    }

    private func plan() throws(BenchProblems) -> BenchPlan {
        var options = BenchOptions()
        options.url = url
        load.give(to: &options)
        publishing.give(to: &options)
        connecting.give(to: &options)
        options.metricsURLs = report.metricsURL
        return try BenchPlan(options, machine: .current())
    }
}

extension Exit {
    /// As a shell reports a program that SIGINT ended.
    fileprivate static func atOnce() -> Never { exit(130) }
}
