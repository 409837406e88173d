import NIOCore
import NIOEmbedded
import Testing

@testable import FanfareServer

/// Many requests of one connection at once. The event loop's other sockets have their turn whenever it runs out of tasks.
@Suite("Pipelined requests")
struct PipelinedRequestTests {
    private func request(_ line: String, _ fields: String = "", _ body: String = "") -> String {
        "\(line) HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("those of a turn are answered in one write, and the others after the other sockets had theirs")
    func turns() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let socket = try HTTPSocket(bench)
        socket.send(String(repeating: request("POST /channels/c", "", "x"), count: 300))
        bench.eventLoop.run()
        var turns = 0
        var answers = 0
        while answers < 300, turns < 100 {
            let now = socket.takeOutput().count(of: "HTTP/1.1 200 OK")
            #expect((1...20).contains(now), "\(now) answers in a turn")
            turns += 1
            #expect(socket.flushes == turns)
            answers += now
            bench.eventLoop.advanceTime(by: .microseconds(50))
        }
        #expect(answers == 300 && turns >= 15)
        #expect(bench.count(.publicationsIn) == 300)
        socket.end()
    }

    @Test("answers come in the order of requests, errors of the decoder among them, and nothing behind a refusal")
    func order() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let socket = try HTTPSocket(bench)
        socket.send(
            request("POST /channels/c", "", "1") + request("HEAD /") + request("POST /channels/c", "", "2")
                + "no request\r\n\r\n" + request("POST /channels/c", "", "3"))
        bench.run()
        let output = socket.takeOutput()
        let words = output.split(separator: "HTTP/1.1 ").map { String($0.prefix(3)) }
        let statuses = words.filter { $0.allSatisfy(\.isNumber) }
        #expect(statuses == ["200", "200", "200", "400"], "\(output)")
        #expect(bench.count(.publicationsIn) == 2)
        socket.send(request("POST /channels/c", "", "4"))
        bench.run()
        #expect(socket.takeOutput().isEmpty && bench.count(.publicationsIn) == 2)
        socket.end()
    }

    @Test("while requests wait the socket is not read, and a body may come in any pieces")
    func reading() throws {
        let bench = ClientBench()
        defer { bench.end() }
        let socket = try HTTPSocket(bench)
        let body = String(repeating: "x", count: 10_000)
        socket.send(String(repeating: request("POST /channels/c", "", "x"), count: 100))
        let reads = socket.reads
        socket.askToRead()
        #expect(socket.reads == reads)
        bench.run()
        #expect(socket.reads > reads)
        for piece in Array(request("POST /channels/c", "", body).utf8).chunked(777) { socket.send(bytes: piece) }
        bench.run()
        #expect(socket.takeOutput().count(of: "HTTP/1.1 200 OK") == 101)
        #expect(bench.count(.bytesReceived) == 10_100)
        socket.end()
    }
}

extension String {
    /// How often a text is in it.
    func count(of part: String) -> Int { split(separator: part, omittingEmptySubsequences: false).count - 1 }
}

extension Array {
    fileprivate func chunked(_ count: Int) -> [[Element]] {
        stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
