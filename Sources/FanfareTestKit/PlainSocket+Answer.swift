import NIOCore

extension PlainSocket {
    /// Reads an answer that was cut, or whose reader slept, to the end of its connection: a whole head with status 200, and behind
    /// it a body that ends as HTTP has it, with its last chunk where there are chunks.
    ///
    /// - Returns: the body, without what chunks put around it.
    /// - Throws: what is not so, or that the connection did not end in time.
    public func readAnswer(within limit: Duration = patience) async throws -> [UInt8] {
        try await eventually(within: limit, "the connection has ended") {
            PlainSocket.wait(for: [self], milliseconds: 10)
            pull(upTo: 1_048_576)
            return isClosed
        }
        guard let answer = HTTPAnswer.parse(&input), answer.status == 200 else {
            throw NotInTime(what: "an answer with status 200")
        }
        let body = Array(input.readableBytesView)
        guard answer["transfer-encoding"] == "chunked" else { return body }
        var chunks = ChunkReader()
        chunks.feed(body)
        guard chunks.hasEnded, chunks.problem == nil else {
            throw NotInTime(what: "the last chunk: \(chunks.problem ?? "it is cut before it")")
        }
        return chunks.data
    }

    /// The same for an event stream.
    public func readEvents(within limit: Duration = patience) async throws -> [EventStreamReader.Event] {
        var reader = EventStreamReader()
        reader.feed(try await readAnswer(within: limit))
        return reader.events
    }
}
