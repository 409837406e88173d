import FanfareCore
import FanfareWire
import NIOCore

/// Publications for subscriptions with deltas. Their data is a string: the text of what others get as JSON, or where `delta`
/// is true a Fossil delta that makes this text out of the last one. SDKs keep the text's bytes.
extension CentrifugeJSONEncoder {
    /// `{"push":{"channel":…,"pub":{"data":"…","offset":…}}}`.
    public static func wholePush(_ publication: Publication) -> Body {
        push(publication, sizeHint: sizeHint(publication) * 9 / 8) { writeWhole(publication, into: &$0) }
    }

    /// `{"push":{"channel":…,"pub":{"data":"…","delta":true,"offset":…}}}`; `nil` where that is no smaller than ``wholePush(_:)``.
    public static func deltaPush(_ publication: Publication, after previous: Publication) -> Body? {
        let target = text(publication.payload)
        let delta = FossilDelta.create(base: text(previous.payload), target: target, keepsCharacters: true)
        // A delta has line breaks of its own, each of which is two bytes in a string.
        guard let delta, size(delta) + isDelta.utf8CodeUnitCount < size(target) else { return nil }
        return push(publication, sizeHint: delta.readableBytes + publication.channel.string.utf8.count + 96) {
            write(publication, into: &$0) { buffer in
                delta.withUnsafeReadableBytes { JSONWriter.writeString($0, into: &buffer) }
                buffer.writeStaticString(isDelta)
            }
        }
    }

    private static let isDelta: StaticString = #","delta":true"#

    /// Bytes of a text as a string.
    private static func size(_ text: ByteBuffer) -> Int {
        text.withUnsafeReadableBytes { JSONWriter.stringSize($0) }
    }

    public static var wholeItems: any PublicationListEncoder.Type { CentrifugeJSONWholeItems.self }

    /// `{"data":"…","offset":7}`.
    static func writeWhole(_ publication: Publication, into buffer: inout ByteBuffer) {
        write(publication, into: &buffer) { buffer in
            text(publication.payload).withUnsafeReadableBytes { JSONWriter.writeString($0, into: &buffer) }
        }
    }

    /// The JSON of a payload, as those without deltas get it.
    private static func text(_ payload: Payload) -> ByteBuffer {
        var buffer = ByteBuffer()
        writeData(payload, into: &buffer)
        return buffer
    }
}
