import FanfareTestKit
import NIOCore

/// Listens to several channels all the time and to others for a while, publishes and pings.
///
/// Replies come in the order of their commands within a lane: publishes, pings, and every channel that it comes and
/// goes to. Between the replies to a subscribe and to its unsubscribe it must hear the channel without a gap.
final class CentrifugeWriterClient: WriterClient {
    /// A channel that it comes and goes to.
    private struct Visit {
        /// Whether the last command was a subscribe.
        var isWanted = false
        /// Whether the last reply was to a subscribe.
        var isHeard = false
        /// The number that must come next, known from the first message that carries it, and the lowest that it can be.
        var next: Int?
        var lowest = 0
        /// Messages that came before that.
        var unplaced: [ByteBuffer] = []
    }

    private var lastID = 0
    /// Replies that must come, by lane, the first first, and the lane of each.
    private var awaited: [Int: [String]] = [:]
    private var lanes: [String: Int] = [:]
    private var head: [Int: Int] = [:]
    private var visits: [Int: Visit] = [:]

    private static let publishes = -1
    private static let pings = -2
    private static let steady = -3

    override var isAnswered: Bool { super.isAnswered && lanes.isEmpty && lastID > 0 }

    /// The reply to `connect` names the client: only that it comes is checked.
    override func opened() {
        lastID = 1
        lanes["connect"] = Self.steady
        socket.send(WebSocketClient.frame(opcode: 1, ByteBuffer(string: #"{"id":1,"connect":{}}"#)))
        for channel in 0..<WriterMessages.channels where next[channel] == nil { visits[channel] = Visit() }
        for channel in next.keys.sorted() { command("subscribe", "{\"channel\":\"c\(channel)\"}", Self.steady) }
    }

    override func heard(_ opcode: UInt8, _ payload: ByteBuffer) throws {
        guard opcode == 1 else { throw foreign(payload, "opcode \(opcode)") }
        if let channel = WriterMessages.channel(ofPush: payload) {
            if next[channel] != nil { return try heard(payload, of: channel, in: messages.pushes) }
            return try visited(channel, payload)
        }
        let text = String(buffer: payload)
        if text.hasPrefix(#"{"id":1,"connect":{"#), lanes.removeValue(forKey: "connect") != nil { return }
        guard let lane = lanes.removeValue(forKey: text), let replies = awaited[lane],
            replies[head[lane, default: 0]] == text
        else { throw foreign(payload, "not the next reply") }
        head[lane, default: 0] += 1
        guard var visit = visits[lane] else { return }
        visit.isHeard = text.hasSuffix(#""subscribe":{}}"#)
        if !visit.isHeard { visit.lowest = (visit.next ?? visit.lowest) + visit.unplaced.count }
        visit.next = nil
        visit.unplaced = []
        visits[lane] = visit
    }

    private func visited(_ channel: Int, _ payload: ByteBuffer) throws {
        guard var visit = visits[channel], visit.isHeard else {
            throw foreign(payload, "not subscribed to c\(channel)")
        }
        visit.unplaced.append(payload)
        if visit.next == nil, let number = WriterMessages.number(ofPush: payload) {
            visit.next = number - visit.unplaced.count + 1
        }
        if let first = visit.next {
            let heard = first..<first + visit.unplaced.count
            guard first >= visit.lowest, heard.upperBound <= WriterMessages.each,
                visit.unplaced == Array(messages.pushes[channel][heard])
            else { throw foreign(payload, "not c\(channel) from \(first), which is at least \(visit.lowest)") }
            visit.next = heard.upperBound
            visit.unplaced = []
        }
        visits[channel] = visit
    }

    override func ask(_ random: inout SeededRandom) {
        guard Bool.random(using: &random), let channel = visits.keys.sorted().randomElement(using: &random),
            let isWanted = visits[channel]?.isWanted
        else { return askLast() }
        command(isWanted ? "unsubscribe" : "subscribe", "{\"channel\":\"c\(channel)\"}", channel)
        visits[channel]?.isWanted = !isWanted
    }

    override func askLast() { command("ping", "{}", Self.pings) }

    override func publish(_ channel: Int, _ number: Int) {
        let data = String(buffer: messages.payloads[channel][number])
        command("publish", "{\"channel\":\"c\(channel)\",\"data\":\(data)}", Self.publishes)
    }

    private func command(_ method: String, _ body: String, _ lane: Int) {
        lastID += 1
        socket.send(WebSocketClient.frame(opcode: 1, ByteBuffer(string: "{\"id\":\(lastID),\"\(method)\":\(body)}")))
        let reply = "{\"id\":\(lastID),\"\(method)\":{}}"
        awaited[lane, default: []].append(reply)
        lanes[reply] = lane
    }
}
