import FanfareTestKit
import Foundation

/// One run: who is there, and what happens when.
struct WriterRun {
    private var random: SeededRandom
    private let messages: WriterMessages
    private let clients: [WriterClient]
    /// Channel → its publisher, and what that has not published yet.
    private var publishers: [(client: WriterClient, next: Int)] = []

    init(port: Int, seed: UInt64) throws {
        random = SeededRandom(seed: seed)
        messages = WriterMessages(&random)
        var clients: [WriterClient] = []
        for index in 0..<12 {
            let channel = index % WriterMessages.channels
            clients.append(
                RawWriterClient(
                    "raw \(index)", try Self.socket(port, index), path: "/channels/c\(channel)/ws",
                    listensTo: [channel], messages))
        }
        for index in 0..<12 {
            let channels = (0..<WriterMessages.channels).shuffled(using: &random).prefix(
                Int.random(in: 1...3, using: &random))
            clients.append(
                CentrifugeWriterClient(
                    "centrifuge \(index)", try Self.socket(port, index), path: "/connection/websocket",
                    listensTo: Array(channels), messages))
        }
        self.clients = clients
        for channel in 0..<WriterMessages.channels {
            publishers.append((clients[channel < 2 ? channel : 12 + channel], 0))
        }
    }

    /// Small packets and buffers keep the node's kernel from taking megabytes for a client that does not read; for every
    /// fourth it takes them, and that client is never slow. A buffer holds several packets: with less, TCP sends one each
    /// time that its persist timer fires, and a megabyte takes minutes.
    private static func socket(_ port: Int, _ index: Int) throws -> PlainSocket {
        let segment = [nil, 536, 1_400, 4_000][index % 4]
        return try PlainSocket(port, receiveBuffer: segment.map { $0 * 8 }, segment: segment)
    }

    /// Waits until everyone is there.
    mutating func open() async throws {
        try await turn("everyone is subscribed") { $0.clients.allSatisfy(\.isAnswered) }
    }

    /// Publishes everything, in bursts; who rests does not read meanwhile, one client of each kind until the end.
    mutating func publish() async throws {
        for index in [1, 13] { clients[index].rest = .max }
        try await turn("everything is published") { run in
            for _ in 0..<4 {
                guard let client = run.clients.randomElement(using: &run.random) else { break }
                switch Int.random(in: 0..<8, using: &run.random) {
                case 0: client.rest = max(client.rest, Int.random(in: 0..<200, using: &run.random))
                case 1..<4: for _ in 0..<Int.random(in: 1...3, using: &run.random) { client.ask(&run.random) }
                default: break
                }
            }
            run.burst()
            return run.publishers.allSatisfy { $0.next == WriterMessages.each && $0.client.socket.unsentBytes == 0 }
        }
    }

    /// A publisher that has sent all of its last burst begins another one.
    private mutating func burst() {
        guard let channel = publishers.indices.randomElement(using: &random) else { return }
        let (client, next) = publishers[channel]
        guard client.socket.unsentBytes == 0 else { return }
        let end = min(WriterMessages.each, next + Int.random(in: 1...8, using: &random))
        for number in next..<end { client.publish(channel, number) }
        publishers[channel].next = end
    }

    /// Everyone reads on to the end, and there is nothing behind it.
    mutating func finish() async throws {
        for client in clients { client.rest = 0 }
        try await turn("everyone has heard everything") { $0.clients.allSatisfy(\.isComplete) }
        for client in clients { client.askLast() }
        try await turn("everyone has its last answer") { $0.clients.allSatisfy(\.isAnswered) }
        for client in clients where client.socket.input.readableBytes > 0 {
            throw client.foreign(client.socket.input, "more than everything")
        }
    }

    /// Lets everyone write and read some, until a condition holds.
    private mutating func turn(_ what: String, until condition: (inout WriterRun) throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(300)
        while try !condition(&self) {
            guard ContinuousClock.now < deadline else {
                throw NotInTime(what: "\(what)\n\(clients.map(\.progress).joined(separator: "\n"))")
            }
            var moved = 0
            for client in clients {
                moved += client.socket.push()
                client.rest = max(0, client.rest - 1)
                if client.rest == 0 {
                    moved += try client.read(upTo: Int(exp(Double.random(in: 0...log(50_000), using: &random))))
                }
            }
            if moved == 0 { PlainSocket.wait(for: clients.map(\.socket), milliseconds: 2) }
            await Task.yield()
        }
    }
}
