import FanfareTestKit
import NIOCore
import Synchronization
import Testing

/// Clients that move from polling to a WebSocket while somebody never stops publishing. Pings are too far apart to come to the aid of one
/// that is stuck.
@Suite("Socket.IO: the move under traffic", .serialized)
struct SocketIOMoveTests {
    private static let flags = ["--namespaces", "*: publish=clients", "--ping-interval", "66s", "--pong-timeout", "8s"]
    private static let clients = 96
    private static let together = 12

    @Test(
        "clients move at any moment, with publications, polls and commands before, between probe and 5 and behind: all come, once and in order",
        .timeLimit(.minutes(10)))
    func oneNode() async throws {
        try await withNode(flags: Self.flags) { node in
            try await move(Self.clients, through: node.port, publishingTo: node)
            #expect(try await node.metric("fanfare_engineio_upgrades_total") == Double(Self.clients))
        }
    }

    @Test("the same where requests and WebSockets land on any node", .timeLimit(.minutes(10)))
    func anyNode() async throws {
        try await withCluster(nodes: 2, flags: Self.flags) { cluster in
            for node in cluster.nodes {
                try await eventually("\(node.name) sees all") { try await node.metric("fanfare_nodes") == 2 }
            }
            try await move(Self.clients / 2, through: cluster.port, publishingTo: cluster.nodes[0])
        }
    }

    private func move(_ count: Int, through port: Int, publishingTo node: Node) async throws {
        let publisher = Task {
            var number = 0
            while !Task.isCancelled {
                number += 1
                _ = try await node.publish("a", "\(number)")
            }
        }
        defer { publisher.cancel() }
        let seed = UInt64.random(in: 0 ... .max)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= Self.together { _ = try await group.next() }
                group.addTask {
                    var mover = Mover(port, SeededRandom(seed: seed &+ UInt64(index)))
                    let numbers = try await mover.run()
                    let first = numbers.first ?? 0
                    #expect(numbers == Array(first..<(first + numbers.count)), "seed \(seed), client \(index)")
                }
            }
            try await group.waitForAll()
        }
    }
}

/// One client: it polls as the official one does, moves, and hears some more.
private struct Mover {
    private let port: Int
    private var random: SeededRandom
    /// What was published, as it came.
    private var numbers: [Int] = []
    /// The last packet that was none of that.
    private var other = ""

    init(_ port: Int, _ random: SeededRandom) { (self.port, self.random) = (port, random) }

    /// - Returns: the numbers that it heard.
    mutating func run() async throws -> [Int] {
        let client = try await EngineIOClient.open(port, path: "/socket.io/")
        try await client.post(port, "40")
        while !other.hasPrefix("40{") { take(try await client.poll(port)) }
        try await client.post(port, #"420["subscribe","a"]"#)
        while !other.hasPrefix("430[") { take(try await client.poll(port)) }
        for _ in 0..<few() { take(try await client.poll(port)) }
        let socket = try await moved(client)
        let heard = numbers.count
        while numbers.count < heard + 40 { take([try await socket.nextText()]) }
        await socket.close()
        return numbers
    }

    private mutating func take(_ packets: [String]) {
        for packet in packets {
            let lead = #"42["message","#
            if packet.hasPrefix(lead), let number = Int(packet.dropFirst(lead.count).dropLast()) {
                numbers.append(number)
            } else {
                other = packet
            }
        }
    }

    /// A number below three.
    private mutating func few() -> Int { Int.random(in: 0..<3, using: &random) }

    private mutating func moved(_ client: EngineIOClient) async throws -> WebSocketClient {
        let (port, isPaused) = (self.port, Flag())
        let (before, between, noops, behind) = (few(), few(), few(), few())
        // As the official client: one poll after the other, until the probe is answered.
        let polls = random.next() % 4 > 0
        async let polled = polls ? Self.poll(client, port, until: isPaused) : []
        let socket = try await client.socket(port)
        try await say(client, before)
        try await socket.send("2probe")
        let answer = try await socket.nextText()
        #expect(answer == "3probe")
        isPaused.isSet.store(true, ordering: .relaxed)
        take(try await polled)
        try await say(client, between)
        for _ in 0..<noops {
            let poll = try await client.poll(port)
            #expect(poll == ["6"])
        }
        // What follows comes in one read with the 5, or by itself.
        var bytes = WebSocketClient.frame(opcode: 1, Array("5".utf8))
        for _ in 0..<behind {
            bytes.writeImmutableBuffer(
                WebSocketClient.frame(opcode: 1, Array(#"427["presence_stats","a"]"#.utf8)))
        }
        try await socket.socket.send(bytes)
        return socket
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    private static func poll(_ client: EngineIOClient, _ port: Int, until isPaused: Flag) async throws -> [String] {
        var packets: [String] = []
        while !isPaused.isSet.load(ordering: .relaxed) { packets += try await client.poll(port) }
        return packets
    }

    /// Commands, whose answers come among the publications.
    private func say(_ client: EngineIOClient, _ count: Int) async throws {
        for _ in 0..<count {
            let answer = try await client.post(port, #"427["presence_stats","a"]"#)
            #expect(answer.body == "ok")
        }
    }
}
