import FanfareTestKit
import HTTPTypes
import NIOCore
import NIOEmbedded
import Testing

@testable import FanfareServer

@Suite("Answers in parts and answers that take their time")
struct ResponseStreamTests {
    /// Keeps what an endpoint got, on the test's own event loop.
    private final class Kept<Value>: @unchecked Sendable {
        var values: [Value] = []
        var last: Value? { values.last }
    }

    private func router(_ streams: Kept<ResponseStream>, _ exchanges: Kept<Exchange> = Kept()) -> PublicRouter {
        PublicRouter([
            .path("/stream", [.get, .head]) {
                StreamEndpoint { stream in if let stream { streams.values.append(stream) } }
            },
            .path("/held", [.get]) { WaitingEndpoint(isHeldOpen: true) { exchanges.values.append($0) } },
            .path("/late", [.get]) { WaitingEndpoint(isHeldOpen: false) { exchanges.values.append($0) } },
            .path("/mirror", [.post, .put]) { MirrorEndpoint() },
            .path("/", [.get]) { MirrorEndpoint() },
        ])
    }

    private func get(_ path: String, _ fields: String = "", method: String = "GET", version: String = "1.1") -> String {
        "\(method) \(path) HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n"
    }

    @Test("the head is out before the body, parts come as they are sent, and the next request follows the end")
    func parts() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let streams = Kept<ResponseStream>()
        let socket = try HTTPSocket(bench, router: router(streams))
        socket.send(get("/stream", "Origin: http://a\r\n") + get("/"))
        let head = socket.takeOutput()
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"), "\(head)")
        for field in [
            "Transfer-Encoding: chunked", "Fanfare-Node: ", "Access-Control-Allow-Origin: http://a",
            "Vary: Origin", "Content-Type: text/plain",
        ] { #expect(head.contains("\r\n\(field)"), "\(field) in \(head)") }
        #expect(!head.contains("Content-Length") && !head.contains("Connection: close"))
        #expect(bench.count(.pendingConnections) == 0, "it is no socket without a session")
        let stream = try #require(streams.last)
        stream.send(ByteBuffer(string: "hello"))
        #expect(socket.takeOutput() == "5\r\nhello\r\n")
        stream.send(ByteBuffer())
        stream.send(ByteBuffer(string: String(repeating: "y", count: 5_000)))
        #expect(socket.takeOutput() == "1388\r\n" + String(repeating: "y", count: 5_000) + "\r\n")
        #expect(!stream.isOver)
        stream.end()
        let end = socket.takeOutput()
        #expect(end.hasPrefix("0\r\n\r\nHTTP/1.1 200 OK\r\n"), "the next answer is right behind: \(end)")
        #expect(stream.isOver && bench.count(.pendingConnections) == 1)
        stream.send(ByteBuffer(string: "late"))
        stream.end()
        #expect(socket.takeOutput() == "")
        socket.end()
    }

    @Test("a HEAD gets the head of a stream, HTTP/1.0 a body that ends with the connection")
    func otherFramings() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let streams = Kept<ResponseStream>()
        let socket = try HTTPSocket(bench, router: router(streams))
        socket.send(get("/stream", method: "HEAD") + get("/"))
        let output = socket.takeOutput()
        #expect(output.count(of: "HTTP/1.1 200 OK") == 2 && !output.contains("\r\n\r\n0\r\n"), "\(output)")
        #expect(streams.values.isEmpty)
        socket.send(get("/stream", "Connection: keep-alive\r\n", version: "1.0"))
        let head = socket.takeOutput()
        #expect(head.contains("Connection: close") && !head.contains("Transfer-Encoding"))
        let stream = try #require(streams.last)
        stream.send(ByteBuffer(string: "hello"))
        stream.end()
        #expect(socket.takeOutput() == "hello")
        bench.run()
        #expect(!socket.channel.isActive, "the end is the end of the connection")
        socket.end()
    }

    @Test("a slow client is told of, and the end of one is told once")
    func backPressure() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let streams = Kept<ResponseStream>()
        let events = Kept<String>()
        let socket = try HTTPSocket(bench, router: router(streams))
        socket.send(get("/stream"))
        let stream = try #require(streams.last)
        stream.onWritable = { events.values.append("writable") }
        stream.onGone = { events.values.append("gone") }
        #expect(stream.isWritable)
        socket.setWritable(false)
        #expect(!stream.isWritable && events.values.isEmpty)
        socket.setWritable(true)
        #expect(stream.isWritable && events.values == ["writable"])
        socket.end()
        #expect(events.values == ["writable", "gone"])
        #expect(stream.isOver && !stream.isWritable && stream.waitingBytes == 0)
        stream.send(ByteBuffer(string: "late"))
        stream.end()
        #expect(bench.count(.pendingConnections) == 0)
    }

    @Test("no deadline of a request ends a stream or an answer that is held open, and all others have one")
    func deadlines() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let (streams, exchanges) = (Kept<ResponseStream>(), Kept<Exchange>())
        func isOpenAfterDeadline(_ path: String) throws -> HTTPSocket? {
            let socket = try HTTPSocket(bench, router: router(streams, exchanges))
            socket.send(get(path))
            let later = bench.node.clock.monotonicMicroseconds() + 3_600_000_000
            bench.loop.wheel.advance(to: later)
            bench.run()
            return socket.channel.isActive ? socket : nil
        }
        let late = try isOpenAfterDeadline("/late")
        #expect(late == nil && exchanges.last?.isOver == true)
        let held = try #require(try isOpenAfterDeadline("/held"))
        #expect(bench.count(.pendingConnections) == 0)
        exchanges.last?.answer(.noContent)
        #expect(held.takeOutput().hasPrefix("HTTP/1.1 204 No Content\r\n"))
        #expect(bench.count(.pendingConnections) == 1, "it waits for a request again")
        let streaming = try #require(try isOpenAfterDeadline("/stream"))
        streaming.end()
        held.end()
    }

    @Test("every endpoint may have a body: bounded, counted before it is taken, asked for with 100")
    func bodies() throws {
        let bench = ClientBench()
        defer { bench.end() }
        func output(_ text: String) throws -> String {
            let socket = try HTTPSocket(bench, router: router(Kept()))
            defer { socket.end() }
            socket.send(text)
            return socket.takeOutput()
        }
        func put(_ fields: String) -> String { "PUT /mirror HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }
        #expect(try output(put("Content-Length: 5\r\n") + "hello").hasSuffix("\r\n\r\nhello"))
        let chunked = try output(put("Transfer-Encoding: chunked\r\n") + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
        #expect(chunked.hasSuffix("\r\n\r\nhello"))
        #expect(try output(put("Content-Length: 11\r\n")).hasPrefix("HTTP/1.1 413 "))
        let tooLong = put("Transfer-Encoding: chunked\r\n") + "b\r\n01234567890\r\n"
        #expect(try output(tooLong).hasPrefix("HTTP/1.1 413 "))
        let encoded = put("Content-Length: 1\r\nContent-Encoding: gzip\r\n")
        #expect(try output(encoded).hasPrefix("HTTP/1.1 415 "))
        let waiting = put("Content-Length: 5\r\nExpect: 100-continue\r\n")
        #expect(try output(waiting) == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(try output(waiting + "hello").hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
    }

    @Test("a client that does not take its answers gets no more of them")
    func pipelinedToSlowClient() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let socket = try HTTPSocket(bench, router: router(Kept()))
        socket.setWritable(false)
        socket.send(get("/") + get("/"))
        bench.run()
        #expect(socket.takeOutput() == "")
        socket.setWritable(true)
        #expect(socket.takeOutput().count(of: "HTTP/1.1 200 OK") == 2)
        socket.end()
    }
}
