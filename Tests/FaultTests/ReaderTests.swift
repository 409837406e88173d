import NIOCore
import Testing

@testable import FanfareChaos

@Suite("Chaos: what readers read")
struct ReaderTests {
    /// What a body says, given in pieces of that many bytes.
    private func events(_ text: String, _ form: ReaderForm, piece: Int) -> [String] {
        var body = form.makeBody()
        var bytes = ByteBuffer(string: text)
        var events: [String] = []
        while let part = bytes.readSlice(length: min(piece, bytes.readableBytes)), part.readableBytes > 0 {
            events += body.read(part).map(Self.text)
        }
        return events
    }

    private static func text(_ event: ReaderEvent) -> String {
        func place(_ position: Judge.Position?) -> String { position.map { "\($0)" } ?? "nowhere" }
        return switch event {
        case .position(let position): "position \(place(position))"
        case .reset(let position): "reset \(place(position))"
        case .publication(let data, let position): "\(String(buffer: data)) at \(place(position))"
        case .disconnect(let code): "disconnect \(code)"
        case .foreign(let text): "foreign \(text)"
        }
    }

    @Test("an event stream reads the same in pieces of any size", arguments: [1, 2, 7, 1_000])
    func stream(_ piece: Int) {
        let text = """
            retry: 1500
            id: 41.ab
            event: position
            data: 41.ab

            id: 42.ab
            data: "chaos"

            :
            event: reset
            data:\("")

            retry: 2000
            event: disconnect
            data: {"code":1012,"reason":"x"}

            color: blue

            """
        #expect(
            events(text, .events, piece: piece) == [
                "position 41.ab", "\"chaos\" at 42.ab", "reset nowhere", "disconnect 1012", "foreign color: blue",
            ])
    }

    @Test("lines read the same in pieces of any size", arguments: [1, 2, 7, 1_000])
    func lines(_ piece: Int) {
        let text = """
            {"id":"41.ab","event":"position"}

            {"id":"42.ab","data":"chaos"}
            {"id":"50.cd","event":"reset"}
            {"disconnect":{"code":3008,"reason":"slow"}}
            what

            """
        #expect(
            events(text, .lines, piece: piece) == [
                "position 41.ab", "\"chaos\" at 42.ab", "reset 50.cd", "disconnect 3008", "foreign what",
            ])
    }

    /// What an answer holds: status, body, and whether it was complete.
    private func answer(_ text: String, piece: Int) throws -> (status: Int?, body: String, isComplete: Bool) {
        var reader = AnswerReader()
        var bytes = ByteBuffer(string: text)
        var (status, body, isComplete) = (Int?.none, "", false)
        while let part = bytes.readSlice(length: min(piece, bytes.readableBytes)), part.readableBytes > 0 {
            reader.feed(part)
            while let piece = try reader.next() {
                switch piece {
                case .head(let head): status = head.status
                case .body(let part): body += String(buffer: part)
                case .end: isComplete = true
                }
            }
        }
        return (status, body, isComplete || reader.isCompleteAtEnd)
    }

    @Test("an answer in chunks, with a length, without a body and up to the end", arguments: [1, 3, 1_000])
    func answers(_ piece: Int) throws {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n, whoever!\r\n"
        #expect(try answer(chunked + "0\r\n\r\n", piece: piece) == (200, "hello, whoever!", true))
        #expect(try answer(chunked, piece: piece) == (200, "hello, whoever!", false))
        #expect(try answer("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", piece: piece) == (503, "no", true))
        #expect(try answer("HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nno", piece: piece) == (503, "no", false))
        #expect(try answer("HTTP/1.1 204 No Content\r\n\r\n", piece: piece) == (204, "", true))
        #expect(try answer("HTTP/1.1 200 OK\r\n\r\nhello", piece: piece) == (200, "hello", true))
    }

    @Test(
        "what is no answer is refused",
        arguments: ["SSH-2.0\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"])
    func nonsense(_ text: String) {
        #expect(throws: AnswerReader.Mistake.self) { try answer(text, piece: 1_000) }
    }
}
