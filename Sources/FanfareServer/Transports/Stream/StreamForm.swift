import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// How publications read in an answer that is streamed: events or lines, in chunks or not (docs/protocol.md).
struct StreamForm {
    /// What the messages are.
    enum Messages {
        /// An event stream, as `EventSource` reads it.
        case events
        /// Lines of JSON.
        case lines
    }

    let messages: Messages
    let delimiting: StreamDelimiting

    var contentType: String {
        switch messages {
        case .events: "text/event-stream"
        case .lines: "application/x-ndjson"
        }
    }

    var wireFormat: WireFormat {
        switch (messages, delimiting) {
        case (.events, .bare): .rawEventStream
        case (.events, .chunked): .rawEventStreamChunked
        case (.lines, .bare): .rawHTTPStream
        case (.lines, .chunked): .rawHTTPStreamChunked
        }
    }

    /// The same for several channels: events and lines that name theirs.
    var channelsFormat: WireFormat {
        switch (messages, delimiting) {
        case (.events, .bare): .channelEvents
        case (.events, .chunked): .channelEventsChunked
        case (.lines, .bare): .channelLines
        case (.lines, .chunked): .channelLinesChunked
        }
    }

    /// The head of an answer that goes on for as long as it takes.
    ///
    /// - Parameter position: where what follows begins.
    func head(position: StreamPosition?) -> HTTPResponse { head(position.map { "\($0)" }) }

    /// - Parameter position: of one channel or of several.
    func head(_ position: String?) -> HTTPResponse {
        var fields: HTTPFields = [
            .contentType: contentType,
            // Proxies that keep or compress what they pass on would keep it until the end.
            .cacheControl: "no-cache, no-transform",
            .xAccelBuffering: "no",
            .connection: "close",
        ]
        if delimiting == .chunked { fields[.transferEncoding] = "chunked" }
        fields[.fanfarePosition] = position
        return HTTPResponse(status: .ok, headerFields: fields)
    }

    func seal(_ body: Body) -> ByteBuffer {
        switch messages {
        case .events: delimiting.seal(EventStreamFraming().seal(body, at: nil))
        case .lines: delimiting.seal(HTTPStreamFraming().seal(body, at: nil))
        }
    }

    var ping: ByteBuffer {
        switch messages {
        case .events: delimiting.seal(EventStreamFraming.ping)
        case .lines: delimiting.seal(HTTPStreamFraming.ping)
        }
    }

    func boundary(in frames: ByteBuffer, from offset: Int) -> Int {
        switch (delimiting, messages) {
        case (.chunked, _): ChunkedFraming(HTTPStreamFraming()).boundary(in: frames, from: offset)
        case (.bare, .events): EventStreamFraming().boundary(in: frames, from: offset)
        case (.bare, .lines): HTTPStreamFraming().boundary(in: frames, from: offset)
        }
    }

    /// When a browser comes back if the stream breaks off, and where the stream begins, for a reader that comes back before its
    /// first publication; that is unknown in a channel without history.
    ///
    /// - Parameters:
    ///   - isComplete: whether nothing is missing before.
    ///   - retry: milliseconds.
    func opening(at position: StreamPosition?, isComplete: Bool, retry: UInt32) -> ByteBuffer? {
        let name = isComplete ? "position" : "reset"
        let id = position.map { "\($0)" } ?? ""
        switch messages {
        case .events:
            var first = EventStreamFraming.retry(milliseconds: retry)
            if position != nil { first.writeString("id: \(id)\n") }
            if position != nil || !isComplete { first.writeString("event: \(name)\ndata: \(id)\n\n") }
            return delimiting.seal(first)
        case .lines:
            guard position != nil || !isComplete else { return nil }
            let member = position == nil ? "" : "\"id\":\"\(id)\","
            return delimiting.seal(ByteBuffer(string: "{\(member)\"event\":\"\(name)\"}\n"))
        }
    }

    /// The same for several channels: where each of those begins that keep a history, and which have to begin anew.
    ///
    /// - Parameter places: where the reader is in all of them.
    func opening(
        _ channels: [(name: ChannelName, origin: StreamPosition?, isComplete: Bool)], _ places: PositionList?,
        retry: UInt32
    ) -> ByteBuffer? {
        var first = messages == .events ? EventStreamFraming.retry(milliseconds: retry) : ByteBuffer()
        for (name, origin, isComplete) in channels where origin != nil || !isComplete {
            var line = ByteBuffer(string: "{\"channel\":")
            JSONWriter.writeString(name.string, into: &line)
            if let origin { line.writeString(",\"id\":\"\(origin)\"") }
            let event = isComplete ? "position" : "reset"
            switch messages {
            case .events:
                line.writeStaticString("}")
                if let places { first.writeString("id: \(places)\n") }
                first.writeString("event: \(event)\ndata: ")
                first.writeImmutableBuffer(line)
                first.writeStaticString("\n\n")
            case .lines:
                first.writeImmutableBuffer(line)
                first.writeString(",\"event\":\"\(event)\"}\n")
            }
        }
        return first.readableBytes > 0 ? delimiting.seal(first) : nil
    }

    /// The end of the answer, and before it why, and to browsers when they should come back, or that they should not.
    ///
    /// - Parameter retry: milliseconds.
    func farewell(_ disconnect: Disconnect, reason: String, retry: UInt32) -> ByteBuffer {
        var last = ByteBuffer()
        switch messages {
        case .events:
            if disconnect.advice == .reconnect {
                last.writeImmutableBuffer(EventStreamFraming.retry(milliseconds: retry))
            } else {
                last.writeImmutableBuffer(Self.ended)
            }
            last.writeString("event: disconnect\ndata: ")
            Self.write(disconnect, reason, into: &last)
            last.writeStaticString("\n\n")
        case .lines:
            last.writeStaticString("{\"disconnect\":")
            Self.write(disconnect, reason, into: &last)
            last.writeStaticString("}\n")
        }
        var farewell = delimiting.seal(last)
        farewell.writeImmutableBuffer(delimiting.end)
        return farewell
    }

    /// A protocol's own last message, as the last event of a stream that is over for good.
    func sealEnd(_ body: Body) -> ByteBuffer {
        var last = Self.ended
        last.writeImmutableBuffer(EventStreamFraming().seal(body, at: nil))
        return delimiting.seal(last)
    }

    /// A browser that comes back does so with this id.
    private static let ended = ByteBuffer(string: "id: \(LastEventID.ended)\n")

    private static func write(_ disconnect: Disconnect, _ reason: String, into buffer: inout ByteBuffer) {
        buffer.writeString("{\"code\":\(disconnect.code),\"reason\":")
        JSONWriter.writeString(reason, into: &buffer)
        buffer.writeStaticString("}")
    }
}
