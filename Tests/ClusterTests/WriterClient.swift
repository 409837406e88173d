import FanfareTestKit
import NIOCore

/// A client of a run: it reads what the run tells it to, and checks every byte of it.
class WriterClient {
    /// Something that this client was not to hear, or not now.
    struct Foreign: Error, CustomStringConvertible {
        let description: String
    }

    let name: String
    let socket: PlainSocket
    let messages: WriterMessages
    /// Channel → number of the message that must come next, for those that it listens to all the time.
    private(set) var next: [Int: Int]
    /// Rounds in which it does not read.
    var rest = 0

    init(_ name: String, _ socket: PlainSocket, path: String, listensTo channels: [Int], _ messages: WriterMessages) {
        self.name = name
        self.socket = socket
        self.messages = messages
        next = Dictionary(uniqueKeysWithValues: channels.map { ($0, 0) })
        var request = "GET \(path) HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        socket.send(ByteBuffer(string: request))
    }

    private var isOpen = false
    /// Whether everything that it asked for is answered.
    var isAnswered: Bool { isOpen }
    /// Whether it has heard everything.
    var isComplete: Bool { isAnswered && next.values.allSatisfy { $0 == WriterMessages.each } }
    var progress: String { "\(name): next \(next.sorted { $0.key < $1.key }), answered \(isAnswered)" }

    /// Reads at most so many bytes. Returns how many there were.
    func read(upTo limit: Int) throws -> Int {
        let count = socket.pull(upTo: limit)
        if socket.isClosed { throw Foreign(description: "\(progress): its connection was ended") }
        if !isOpen {
            guard let answer = HTTPAnswer.parse(&socket.input) else { return count }
            guard answer.status == 101 else { throw Foreign(description: "\(name): \(answer)") }
            isOpen = true
            opened()
        }
        while let (opcode, payload) = WebSocketClient.takeFrame(&socket.input) { try heard(opcode, payload) }
        return count
    }

    /// A message of a channel that it listens to all the time: nothing but the next one will do.
    func heard(_ frame: ByteBuffer, of channel: Int, in expected: [[ByteBuffer]]) throws {
        guard let number = next[channel], number < WriterMessages.each, frame == expected[channel][number] else {
            throw foreign(frame, "not the next of c\(channel)")
        }
        next[channel] = number + 1
    }

    func foreign(_ frame: ByteBuffer, _ why: String) -> Foreign {
        let start = frame.getString(at: frame.readerIndex, length: min(80, frame.readableBytes)) ?? ""
        return Foreign(description: "\(progress): \(why): \(frame.readableBytes) bytes: \(start)")
    }

    /// The upgrade is answered.
    func opened() {}
    /// A frame came.
    func heard(_ opcode: UInt8, _ payload: ByteBuffer) throws { throw foreign(payload, "opcode \(opcode)") }
    /// Says something that the node must answer.
    func ask(_ random: inout SeededRandom) {}
    /// Asks for a last sign of life, behind which nothing may come.
    func askLast() {}
    /// Publishes.
    func publish(_ channel: Int, _ number: Int) {}
}

/// Listens to one channel, and pings.
final class RawWriterClient: WriterClient {
    private var pings = 0
    private var pongs = 0

    override var isAnswered: Bool { super.isAnswered && pings == pongs }

    override func heard(_ opcode: UInt8, _ payload: ByteBuffer) throws {
        switch opcode {
        case 1: for channel in next.keys { try heard(payload, of: channel, in: messages.payloads) }
        case 10 where pongs < pings && payload == ByteBuffer(string: "ping \(pongs)"): pongs += 1
        default: throw foreign(payload, "opcode \(opcode) after \(pongs) of \(pings) pongs")
        }
    }

    override func ask(_ random: inout SeededRandom) { askLast() }

    override func askLast() {
        socket.send(WebSocketClient.frame(opcode: 9, ByteBuffer(string: "ping \(pings)")))
        pings += 1
    }

    override func publish(_ channel: Int, _ number: Int) {
        socket.send(WebSocketClient.frame(opcode: 1, messages.payloads[channel][number]))
    }
}
