import FanfareWire
import NIOCore

/// A payload behind a mark, in formats with leads.
struct PlainCodec: Codec {
    var mark = ""

    func body(_ publication: Publication) -> Body {
        Body(.text, sizeHint: publication.payload.bytes.readableBytes + mark.utf8.count) { buffer in
            buffer.writeString(mark)
            buffer.writeImmutableBuffer(publication.payload.bytes)
        }
    }
}
