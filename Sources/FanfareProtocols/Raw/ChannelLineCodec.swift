import FanfareWire
import NIOCore

/// Publications of several channels, each as a line that names its channel:
/// `{"channel":"news:1","id":"42.k3vxq7ab","data":…}`.
struct ChannelLineCodec: Codec {
    func body(_ publication: Publication) -> Body {
        let hint = publication.payload.bytes.readableBytes + publication.channel.string.utf8.count + 80
        return Body(.text, sizeHint: hint) { line in
            line.writeStaticString("{\"channel\":")
            JSONWriter.writeString(publication.channel.string, into: &line)
            if let position = publication.position { line.writeString(",\"id\":\"\(position)\"") }
            line.writeStaticString(",")
            HTTPStreamFraming.writeMember(publication.payload.kind, publication.payload.bytes, into: &line)
            line.writeStaticString("}")
        }
    }
}

/// The same as the data of an event, but for the event's id.
struct ChannelEventCodec: Codec {
    let delimiting: StreamDelimiting

    func body(_ publication: Publication) -> Body {
        SharedEvent.body(ChannelLineCodec().body(publication).bytes, at: publication.position, delimiting)
    }
}

extension WireFormat {
    /// An event of an event stream of several channels, over HTTP/1.0 or HTTP/2. Its lead is one byte, the channel's index.
    public static let channelEvents = WireFormat(id: 40)
    /// As ``channelEvents``, over HTTP/1.1.
    public static let channelEventsChunked = WireFormat(id: 41)
    /// A line of JSON of a stream of several channels, over HTTP/1.0 or HTTP/2.
    public static let channelLines = WireFormat(id: 42)
    /// As ``channelLines``, over HTTP/1.1.
    public static let channelLinesChunked = WireFormat(id: 43)

    /// Those of streams of several channels.
    static let channelStreams: [(WireFormat, FormatDefinition)] = [
        (.channelEvents, .personal(ChannelEventCodec(delimiting: .bare), in: UnframedLead())),
        (.channelEventsChunked, .personal(ChannelEventCodec(delimiting: .chunked), in: UnframedLead())),
        (.channelLines, .encoded(ChannelLineCodec(), in: LineFraming())),
        (.channelLinesChunked, .encoded(ChannelLineCodec(), in: ChunkedFraming(LineFraming()))),
    ]
}
