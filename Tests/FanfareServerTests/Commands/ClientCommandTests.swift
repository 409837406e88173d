import FanfareCore
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareProtocols
@testable import FanfareServer

/// What a backend does with the clients of one event loop.
@Suite("Commands of backends on an event loop")
struct ClientCommandTests {
    private func client(_ bench: ClientBench, _ user: ExactText = "ann") throws -> BenchClient {
        var claims = ConnectClaims()
        claims.user = user
        var session = CentrifugeSession(bench.node.centrifuge, clientID: bench.loop.makeClientID())
        _ = session.receive(.init(id: 1, method: .connect(token: nil)))
        session.grants.identity = ClientIdentity(claims, permissions: .publish, now: bench.node.clock.tokenTime)
        return try bench.client(.centrifuge(session))
    }

    /// Hands a command in; the counts are those that have been answered.
    private func post(
        _ bench: ClientBench, _ command: ClientCommand, user: ExactText? = "ann", client: BenchClient? = nil
    ) throws -> Counts {
        let counts = Counts()
        let id = client?.client.session.clientID.flatMap(ClientID.init)
        let target = try #require(CommandTarget(user: user, client: id))
        bench.loop.commands.mailbox.post(.init(work: .command(command, target)) { counts.add($0) })
        return counts
    }

    private final class Counts: Sendable {
        private let counts = Mutex<[CommandCount]>([])
        func add(_ count: CommandCount) { counts.withLock { $0.append(count) } }
        var all: [CommandCount] { counts.withLock(\.self) }
    }

    @Test("a user's clients are subscribed, hear of it and of what is published, and are unsubscribed again")
    func subscribes() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let (ann, again, bob) = (try client(bench), try client(bench), try client(bench, "bob"))
        let channel = try ChannelName("news")
        let begun = try post(bench, .subscribe(CommandedSubscription(channel: channel)))
        bench.run()
        #expect(begun.all == [CommandCount(done: 2)])
        try bench.publish([("news", "1")])
        let unchanged = try post(bench, .subscribe(CommandedSubscription(channel: channel)))
        let one = try post(bench, .unsubscribe(channel), client: again)
        bench.run()
        try bench.publish([("news", "2")])
        let all = try post(bench, .unsubscribe(channel))
        bench.run()
        #expect(unchanged.all == [CommandCount(done: 2)] && one.all == [CommandCount(done: 1)])
        #expect(all.all == [CommandCount(done: 2)])
        let push = #"{"push":{"channel":"news","#
        let (begin, end) = (
            push + #""subscribe":{}}}"#, push + #""unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}"#
        )
        let publications = ["1", "2"].map { push + #""pub":{"data":\#($0)}}}"# }
        #expect(ann.received() == [begin, publications[0], publications[1], end])
        #expect(again.received() == [begin, publications[0], end] && bob.received().isEmpty)
        #expect(bench.count(.commandedSubscribes) == 2 && bench.count(.commandedUnsubscribes) == 2)
    }

    @Test("a client of another user is not meant, one that is gone neither; a user stays away from its list")
    func targets() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let (ann, again, bob) = (try client(bench), try client(bench), try client(bench, "bob"))
        let channel = try ChannelName("news")
        let stranger = try post(bench, .unsubscribe(channel), client: bob)
        let nobody = try post(bench, .disconnect(.forced), user: "eve")
        let staying = try #require(again.client.session.clientID.flatMap(ClientID.init))
        let most = try post(bench, .disconnect(.forced, reason: "banned", except: [staying]))
        bench.run()
        #expect(stranger.all == [CommandCount()] && nobody.all == [CommandCount()])
        #expect(most.all == [CommandCount(done: 1)])
        #expect(ann.received() == ["close 3503"] && again.received().isEmpty && bob.received().isEmpty)
        let gone = try post(bench, .refresh(expiresAt: nil), user: nil, client: ann)
        let here = try post(bench, .refresh(expiresAt: nil), user: nil, client: again)
        bench.run()
        #expect(gone.all == [CommandCount()] && here.all == [CommandCount(done: 1)])
        #expect(again.received() == [#"{"push":{"refresh":{}}}"#])
        #expect(bench.node.metrics.sum(Disconnect.forced) == 1)
    }

    @Test("a client whose channels are full is counted, and keeps those that it has")
    func failures() throws {
        let bench = ClientBench { $0.maxChannelsPerClient = 1 }
        defer { bench.end() }
        let (ann, again) = (try client(bench), try client(bench))
        _ = try post(bench, .subscribe(CommandedSubscription(channel: try ChannelName("one"))), client: ann)
        bench.run()
        let full = try post(bench, .subscribe(CommandedSubscription(channel: try ChannelName("two"))))
        bench.run()
        #expect(full.all == [CommandCount(done: 1, full: 1)])
        #expect(ann.client.membership.contains(try ChannelName("one")) && ann.client.membership.count == 1)
        #expect(again.client.membership.contains(try ChannelName("two")))
    }

    @Test("a command for a subscription on its way is answered when the client goes, and nothing of it is kept")
    func gone() throws {
        let bench = ClientBench()
        defer { bench.end() }
        _ = try client(bench)
        let wanted = ClientCommand.subscribe(CommandedSubscription(channel: try ChannelName("a")))
        let lost = try (0..<2).map { _ in try post(bench, wanted) }
        let ended = try post(bench, .disconnect(.forced))
        // One visit, before the broker's answer.
        bench.loop.visitCommands()
        #expect(ended.all == [CommandCount(done: 1)])
        for lost in lost { #expect(lost.all == [CommandCount(failed: 1)]) }
        #expect(!bench.loop.commands.isBusy)
    }

    @Test("who wants a subscription that is on its way is answered when it is in force, a bounded number of times")
    func followers() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let ann = try client(bench)
        let wanted = ClientCommand.subscribe(CommandedSubscription(channel: try ChannelName("a")))
        let all = try (0...CommandBounds.followers).map { _ in try post(bench, wanted) }
        // One visit, before the broker's answer.
        bench.loop.visitCommands()
        #expect(all.dropLast().allSatisfy(\.all.isEmpty) && all.last?.all == [CommandCount(failed: 1)])
        bench.run()
        for counts in all.dropLast() { #expect(counts.all == [CommandCount(done: 1)]) }
        #expect(bench.count(.commandedSubscribes) == 1 && ann.received().count == 1)
    }

    @Test("what the history does not have any more is told to who wanted it recovered, and the client begins anew")
    func lost() throws {
        var rules = ChannelRules()
        rules.history = ChannelRules.Retention(size: 2, age: .seconds(600))
        rules.recovery = .stream
        let bench = ClientBench(rules: ["kept": rules])
        defer { bench.end() }
        let (ann, again) = (try client(bench), try client(bench))
        let channel = try ChannelName("kept:a")
        let epoch = Mutex("")
        for number in 1...5 {
            bench.broker.publish(Publication(channel: channel, payload: Payload(text: "\(number)"))) { result in
                guard let position = try? result.get().position else { return }
                epoch.withLock { $0 = position.epoch }
            }
        }
        func wanted(_ offset: UInt64?) -> ClientCommand {
            let since = offset.map { offset in StreamPosition(offset: offset, epoch: epoch.withLock(\.self)) }
            return .subscribe(CommandedSubscription(channel: channel, since: since))
        }
        let lost = try post(bench, wanted(1), client: ann)
        let whole = try post(bench, wanted(4), client: again)
        bench.run()
        #expect(lost.all == [CommandCount(done: 1, lost: 1)] && whole.all == [CommandCount(done: 1)])
        #expect(ann.received().count == 1 && again.received().count == 2, "\(ann.received()) \(again.received())")
        // A subscription that is there already stays as it is.
        let later = try post(bench, wanted(1))
        bench.run()
        #expect(later.all == [CommandCount(done: 2)])
    }

    @Test("a user's many clients are commanded some at a time, and others have their turn between")
    func slices() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let clients = try (0..<CommandBounds.visit + 10).map { _ in try client(bench) }
        let (first, second) = (
            try post(bench, .refresh(expiresAt: nil)), try post(bench, .refresh(expiresAt: nil), user: "bob")
        )
        bench.loop.visitCommands()
        #expect(first.all.isEmpty && second.all.isEmpty && bench.loop.commands.isBusy)
        // What the look into the directory took is missing.
        let visited = CommandBounds.visit - 1 - clients.count / CommandBounds.listed
        #expect(clients.count { !$0.received().isEmpty } == visited)
        // What is posted meanwhile waits, bounded, and brings no visit of its own.
        func posts(_ weight: Int) throws -> Bool {
            let request = ClientCommands.Request(
                work: .command(.refresh(expiresAt: nil), try #require(CommandTarget(user: "eve", client: nil)))
            ) { _ in }
            return bench.loop.commands.mailbox.post(
                contentsOf: [request], weight: weight, limit: CommandBounds.waiting)
        }
        #expect(try posts(CommandBounds.waiting))
        bench.loop.commandsPosted()
        #expect(try !posts(1) && clients.count { !$0.received().isEmpty } == visited)
        bench.run()
        #expect(try posts(1))
        bench.run()
        #expect(first.all == [CommandCount(done: clients.count)] && second.all == [CommandCount()])
        #expect(!bench.loop.commands.isBusy)
    }

    @Test("clients that are told much are commanded fewer at a time")
    func bytes() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let clients = try (0..<9).map { _ in try client(bench) }
        let channel = try ChannelName("a")
        let data = Payload(text: "\"\(String(repeating: "x", count: CommandBounds.dataBytes - 2))\"")
        let command = ClientCommand.subscribe(CommandedSubscription(channel: channel, data: data))
        #expect(command.cost == 65)
        let counts = try post(bench, command)
        bench.loop.visitCommands()
        #expect(clients.count { $0.client.membership.contains(channel) } == 4 && bench.loop.commands.isBusy)
        bench.run()
        #expect(counts.all == [CommandCount(done: 9)])
    }

    @Test("a client that is busy with its own commands is ended all the same")
    func busy() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let busy = try client(bench)
        for id in 2..<200 { try busy.send(#"{"id":\#(id),"ping":{}}"#) }
        let ended = try post(bench, .disconnect(.expired))
        bench.loop.visitCommands()
        #expect(ended.all == [CommandCount(done: 1)] && busy.received().last == "close 3005")
    }
}
