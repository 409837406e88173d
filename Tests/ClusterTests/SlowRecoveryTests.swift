import FanfareTestKit
import NIOCore
import Testing

@Suite("Cluster: recoveries of slow clients")
struct SlowRecoveryTests {
    @Test("a client that reads slowly recovers three times what its queue holds, under live traffic")
    func recovery() async throws {
        let flags = ["--namespaces", "h: history=1000/10m recovery", "--ping-interval", "off", "--slow-timeout", "10m"]
        try await withNode(flags: flags) { node in
            let first = try await node.centrifuge()
            let begun = try await first.subscribe("h:a", recovering: nil)
            await first.close()
            let text = String(repeating: "x", count: 4_000)
            for number in 0..<800 { try await node.publish("h:a", "\"\(number) \(text)\"") }

            let slow = try SlowReader(node.port, subscribe: "{\"channel\":\"h:a\",\(begun.position)}")
            let deadline = ContinuousClock.now + .seconds(300)
            var (read, published) = (0, 800)
            while slow.publications.last != 899 {
                guard ContinuousClock.now < deadline else { throw NotInTime(what: "all: \(slow.progress)") }
                // As much as 1.3 MB a second beside 20 publications in it.
                if read >= (published - 800) * 65_536, published < 900 {
                    try await node.publish("h:a", "\"\(published) \(text)\"")
                    published += 1
                }
                read += try slow.read(upTo: 65_536)
                if slow.isAnswered, published < 900 { read = max(read, (published - 800) * 65_536) }
            }
            #expect(slow.isRecovered)
            #expect(slow.publications == Array(0..<900))
            let cut = try await node.metric("fanfare_disconnects_total{code=\"3008\"}")
            #expect(cut == 0)
        }
    }
}

/// A client behind small buffers that recovers a channel and keeps the numbers of what it gets.
private final class SlowReader {
    private let socket: PlainSocket
    private var isOpen = false
    private(set) var isAnswered = false
    private(set) var isRecovered = false
    private(set) var publications: [Int] = []

    var progress: String { "\(publications.count) publications, the last \(publications.last ?? -1)" }

    init(_ port: Int, subscribe: String) throws {
        socket = try PlainSocket(port, receiveBuffer: 4_096, segment: 536)
        socket.send(
            ByteBuffer(
                string: "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
        for command in [#"{"id":1,"connect":{}}"#, "{\"id\":2,\"subscribe\":\(subscribe)}"] {
            socket.send(WebSocketClient.frame(opcode: 1, ByteBuffer(string: command)))
        }
    }

    /// Reads at most so many bytes. Returns how many there were.
    func read(upTo limit: Int) throws -> Int {
        socket.push()
        let count = socket.pull(upTo: limit)
        if count == 0 { PlainSocket.wait(for: [socket], milliseconds: 20) }
        if !isOpen { isOpen = HTTPAnswer.parse(&socket.input) != nil }
        while isOpen, let (opcode, payload) = WebSocketClient.takeFrame(&socket.input) {
            guard opcode == 1 else { throw NotInTime(what: "all: opcode \(opcode) after \(progress)") }
            take(String(buffer: payload))
        }
        if socket.isClosed { throw NotInTime(what: "all: the connection ended after \(progress)") }
        return count
    }

    private func take(_ text: String) {
        if text.hasPrefix(#"{"id":2,"#) {
            isAnswered = true
            isRecovered = text.contains(#""recovered":true"#)
        }
        for part in text.components(separated: #""data":""#) { publications.append(Int(part) ?? -1) }
    }
}

extension String {
    /// The digits behind each of these markers.
    fileprivate func components(separated marker: String) -> [Substring] {
        var (found, rest): ([Substring], Substring) = ([], self[...])
        while let range = rest.firstRange(of: marker) {
            rest = rest[range.upperBound...]
            found.append(rest.prefix(while: \.isNumber))
        }
        return found
    }
}
