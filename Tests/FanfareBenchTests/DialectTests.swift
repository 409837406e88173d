import FanfareRedis
import NIOCore
import Testing

@testable import FanfareBench

@Suite("Bench publishers")
struct DialectTests {
    private func plan() throws -> BenchPlan {
        var options = BenchOptions()
        options.url = "ws://h:1/"
        return try BenchPlan(options, machine: BenchMachine(cores: 1, openFiles: 10_000, ports: 28_000))
    }

    private func events(_ dialect: inout some PublishDialect, _ reads: [String]) throws -> [PublishEvent] {
        var events: [PublishEvent] = []
        for read in reads { try dialect.read(ByteBuffer(string: read)) { events.append($0) } }
        return events
    }

    private let stamp = Stamp(run: 1, channel: 2, sequence: 3, sentAt: 4)

    @Test("HTTP: answers in their order, an error in a 200 is a refusal, cut anywhere")
    func http() throws {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\":{}}"
        let error = "HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"error\":{\"code\":100}}"
        let away = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        let expected: [PublishEvent] = [
            .accepted(10), .refused(11, "HTTP 200 {\"error\":{\"code\":100}}"), .refused(12, "HTTP 503 "),
        ]
        var whole = HTTPDialect(plan: try plan(), endpoint: Endpoint(scheme: "http", host: "h", port: 1))
        #expect(try events(&whole, [ok + error + away]) == expected)
        var cut = HTTPDialect(plan: try plan(), endpoint: Endpoint(scheme: "http", host: "h", port: 1))
        #expect(try events(&cut, (ok + error + away).map(String.init)) == expected)
        var buffer = ByteBuffer()
        whole.write(stamp, id: 10, into: &buffer)
        let text = String(buffer: buffer)
        #expect(text.hasPrefix("POST /api/publish HTTP/1.1\r\nHost: h:1\r\n"))
        #expect(text.contains(#"{"channel":"bench-2","data":"fanfare/"#))
    }

    @Test("HTTP: what is no HTTP, or bigger than it should be, ends it")
    func httpMistakes() throws {
        for wrong in [
            "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", String(repeating: "HTTP/1.1 ", count: 3_000),
        ] {
            var dialect = HTTPDialect(plan: try plan(), endpoint: Endpoint(scheme: "http", host: "h", port: 1))
            #expect(throws: PublishMistake.self) { try events(&dialect, [wrong]) }
        }
    }

    @Test("Redis: password first, then answers in their order")
    func redis() throws {
        var dialect = RedisDialect(plan: try plan(), redis: try RedisConfiguration(url: "redis://:secret@h"))
        let opening = dialect.opening().map { String(buffer: $0) }
        #expect(opening == "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*1\r\n$4\r\nPING\r\n")
        let text = "+OK\r\n+PONG\r\n:2\r\n-READONLY no\r\n:0\r\n"
        #expect(
            try events(&dialect, text.unicodeScalars.map(String.init))
                == [.ready, .accepted(10), .refused(11, "Redis: READONLY no"), .accepted(12)])
        var buffer = ByteBuffer()
        dialect.write(stamp, id: 10, into: &buffer)
        #expect(String(buffer: buffer).hasPrefix("*3\r\n$7\r\nPUBLISH\r\n$15\r\nfanfare:bench-2\r\n$128\r\n\"fanfare/"))
        var wrong = RedisDialect(plan: try plan(), redis: try RedisConfiguration(url: "redis://h"))
        _ = wrong.opening()
        #expect(throws: PublishMistake.self) { try events(&wrong, ["-NOAUTH x\r\n"]) }
        #expect(throws: PublishMistake.self) { try events(&wrong, ["HTTP/1.1 400\r\n"]) }
    }

    @Test("Centrifuge: upgrade, connect, replies by id, pings answered")
    func centrifuge() throws {
        var dialect = CentrifugeDialect(plan: try plan(), endpoint: Endpoint(scheme: "ws", host: "h", port: 1))
        let accept = "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        #expect(try events(&dialect, accept.unicodeScalars.map(String.init)) == [.send(CentrifugeText.connect)])
        let text =
            #"{"id":1,"connect":{}}"# + "\n" + #"{"id":11,"publish":{}}"# + "\n"
            + #"{"id":10,"error":{"code":100,"message":"m"}}"#
        var bytes = ByteBuffer(bytes: [0x81, UInt8(text.utf8.count)])
        bytes.writeString(text)
        bytes.writeBytes([0x81, 2] + "{}".utf8)
        var seen: [PublishEvent] = []
        try dialect.read(bytes) { seen.append($0) }
        #expect(seen == [.ready, .accepted(11), .refused(10, "error 100 m"), .send(CentrifugeText.pong)])
    }

    @Test("an upgrade that is refused, or answered by something that is no WebSocket server")
    func upgrade() throws {
        for wrong in ["HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 101 x\r\n\r\n", "hello"] {
            var dialect = CentrifugeDialect(plan: try plan(), endpoint: Endpoint(scheme: "ws", host: "h", port: 1))
            #expect(throws: PublishMistake.self) { try events(&dialect, [wrong]) }
        }
    }

    @Test("client frames are masked right")
    func masked() {
        for count in [0, 1, 7, 8, 9, 125, 126, 1_000, 70_000] {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var buffer = ByteBuffer(string: "before")
            ClientFrame.write(.binary, payload, into: &buffer)
            let bytes = Array(buffer.readableBytesView.dropFirst(6))
            let header = count < 126 ? 2 : count < 65_536 ? 4 : 10
            #expect(bytes[0] == 0x82 && bytes[1] & 0x80 != 0)
            let key = bytes[header..<header + 4]
            let unmasked = bytes[(header + 4)...].enumerated().map { $0.element ^ key[header + $0.offset % 4] }
            #expect(unmasked == payload)
        }
    }

    @Test("what a server says does not reach the terminal as it came")
    func printable() {
        let payload: [UInt8] = [0x0B, 0xC0] + "\u{1B}[2J slow\n\u{85}ä".utf8
        #expect(payload.withUnsafeBytes { CloseText.describe($0) } == "close 3008  [2J slow  ä")
        #expect([UInt8]().withUnsafeBytes { CloseText.describe($0) } == "close without a code")
    }

    @Test("metrics of a node are read")
    func metrics() {
        let text = "# HELP x\nprocess_cpu_seconds_total 1.5\nprocess_resident_memory_bytes 2e6\nother{a=\"b\"} 3\n"
        #expect(ServerUsage.read(text) == ServerUsage(cpuSeconds: 1.5, residentBytes: 2_000_000))
        #expect(ServerUsage.read("nothing 1") == nil)
    }
}
