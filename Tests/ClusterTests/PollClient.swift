import FanfareTestKit
import NIOCore

/// A long-polling client of one channel: each poll on a connection of its own, from where the last answer says.
struct PollClient: Sendable {
    /// An answer, its body out of its chunks.
    struct Answer: Sendable {
        let head: HTTPAnswer
        let lines: [String]

        /// Where the next poll begins: that of the last line, or of an answer without any.
        var position: String? {
            lines.last?.firstMatch(of: /"id":"([^"]+)"/).map { String($0.1) } ?? head["fanfare-position"]
        }

        /// With what the next poll gets what was kept for it.
        var cursor: String? { head["fanfare-cursor"] }
    }

    let port: Int
    let channel: String
    var fields = ""
    var version = "1.1"

    /// - Parameter limit: for how long the client waits; then it gives the poll up.
    func poll(_ query: String, within limit: Duration = patience) async throws -> Answer {
        let client = try await SocketClient.connect(port)
        try await client.send(
            "GET /channels/\(channel)/poll?\(query) HTTP/\(version)\r\nHost: a\r\n\(fields)Connection: close\r\n\r\n")
        let answer: Answer?
        do {
            answer = try await client.receive(within: limit, "an answer to a poll") { bytes in try Self.parse(bytes) }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        guard let answer else { throw NotInTime(what: "an answer to a poll: connection closed") }
        return answer
    }

    private static func parse(_ bytes: ByteBuffer) throws -> Answer? {
        var rest = bytes
        guard let head = HTTPAnswer.parse(&rest) else { return nil }
        guard head["transfer-encoding"] == "chunked" else {
            return Answer(head: head, lines: head.body.split(separator: "\n").map(String.init))
        }
        var reader = ChunkReader()
        reader.feed(rest.readableBytesView)
        if let problem = reader.problem { throw NotInTime(what: "chunks: \(problem)") }
        guard reader.hasEnded else { return nil }
        let text = String(decoding: reader.data, as: UTF8.self)
        return Answer(head: head, lines: text.split(separator: "\n").map(String.init))
    }
}
