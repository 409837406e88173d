import FanfareTestKit
import Testing

extension StreamClient {
    /// The answer that tells an `EventSource` to come back, of nginx itself. Closes it.
    func expectRetry() async throws {
        #expect(answer.status == 200 && answer["content-type"] == "text/event-stream", "\(answer.status)")
        #expect(answer["fanfare-node"] == nil && answer["cache-control"] == "no-cache, no-transform")
        var reader = EventStreamReader()
        reader.feed(answer.body.utf8)
        let retry = try #require(reader.reconnectionTime, "\(answer.body)")
        #expect((2_000...4_000).contains(retry) && reader.events.isEmpty)
        await close()
    }
}
