import ArgumentParser
import FanfareChaos
import UnixSignals

/// `fanfare-chaos`: not part of what is shipped.
@main
struct Chaos: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanfare-chaos",
        abstract: "Breaks a cluster again and again and checks that nothing is lost, repeated or reordered.",
        discussion: """
            Starts its own redis-server (append-only file, every write to disk), three nodes and nginx on loopback. \
            Recovering clients of every kind listen through nginx and go away at random; publishers publish through the server API, with \
            idempotency keys until they are acknowledged, and through clients. Faults come in random order, each once a \
            round, with quiet time between them in which everything must heal.

              make chaos SECONDS=600 SEED=1
              fanfare-chaos --seconds 60 --fault redis-killed --fault node-cut
              fanfare-chaos --seconds 600 --seed 7 --json > report.json

            Networks are cut in network namespaces as root with iproute2, else in a relay between nodes and Redis. Ctrl-C \
            mends what is broken, ends all processes and reports; once more ends at once.

            Ends with status 0 when every promise was kept, 1 when one was broken, and 64 for wrong options. After a broken \
            promise, the report says where the words of all processes are kept.
            """)

    @Option(help: "How long faults are made.") var seconds = 60
    @Option(help: "Makes order and length of the faults; random by default.") var seed: UInt64?
    @Option(help: "Clients that listen.") var clients = 300
    @Option(help: "Channels, all recoverable.") var channels = 20
    @Option(help: "Channels of one client.") var subscriptions = 2
    @Option(help: "Publications a second, all channels together.") var rate = 1_000
    @Option(help: "Seconds between a fault that has healed and the next.") var quiet = 3.0
    @Option(help: "Seconds in which a fault must heal.") var patience = 60
    @Option(help: ArgumentHelp("Only this fault; several. All: \(names).", valueName: "fault")) var fault: [String] = []
    @Option(help: ArgumentHelp("Only clients of this kind; several. All: \(kinds).", valueName: "kind"))
    var kind: [String] = []
    @Flag(help: "Cut networks in a relay, also where namespaces would do.") var relay = false
    @Flag(help: "The report as one JSON object.") var json = false

    private static let names = Fault.allCases.map(\.rawValue).joined(separator: ", ")
    private static let kinds = ClientKind.allCases.map(\.rawValue).joined(separator: ", ")

    func validate() throws {
        _ = try plan()
    }

    func run() async throws {
        let plan = try plan()
        let control = ChaosControl()
        let interrupts = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watch = Task {
            for await _ in interrupts {
                if control.isStopped { Terminal.quit() }
                control.stop()
            }
        }
        defer { watch.cancel() }
        let progress = ChaosProgress(isTerminal: Terminal.isThere) { Terminal.say($0) }
        Terminal.say("chaos: seed \(plan.seed), \(seconds) s\n")
        let report = try await ChaosRun.run(plan, control: control, progress: progress)
        print(json ? try report.json() : report.table)
        if !report.isGood { throw ExitCode.failure }
    }

    private func plan() throws -> ChaosPlan {
        func check(_ isRight: Bool, _ message: String) throws {
            if !isRight { throw ValidationError(message) }
        }
        try check((1...86_400).contains(seconds), "--seconds must be from 1 to 86400")
        try check((1...2_000).contains(clients), "--clients must be from 1 to 2000")
        try check((1...200).contains(channels), "--channels must be from 1 to 200")
        try check((1...channels).contains(subscriptions), "--subscriptions must be from 1 to the number of channels")
        try check((1...20_000).contains(rate), "--rate must be from 1 to 20000")
        try check((0...600).contains(quiet), "--quiet must be from 0 to 600")
        try check((5...600).contains(patience), "--patience must be from 5 to 600")
        var plan = ChaosPlan()
        plan.duration = .seconds(seconds)
        plan.seed = seed ?? UInt64.random(in: 1...999_999)
        plan.clients = clients
        plan.channels = channels
        plan.subscriptions = subscriptions
        plan.rate = rate
        plan.quiet = .milliseconds(Int(quiet * 1_000))
        plan.patience = .seconds(patience)
        plan.usesNamespaces = !relay
        if !fault.isEmpty {
            plan.faults = try fault.map { name in
                guard let fault = Fault(rawValue: name) else {
                    throw ValidationError("--fault \(name) is none of: \(Self.names)")
                }
                return fault
            }
        }
        if !kind.isEmpty {
            plan.kinds = try kind.map { name in
                guard let kind = ClientKind(rawValue: name) else {
                    throw ValidationError("--kind \(name) is none of: \(Self.kinds)")
                }
                return kind
            }
        }
        return plan
    }
}
