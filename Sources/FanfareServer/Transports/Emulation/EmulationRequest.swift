import FanfareWire
import HTTPTypes
import NIOCore

/// The body of `POST /emulation`: `{"session":"…","node":"…","data":"…"}`, or the same in Protobuf (`client.proto`:
/// EmulationRequest). The data is what would be a WebSocket message. The node is passed over, for the session says where it is.
struct EmulationRequest {
    let session: ExactText
    let data: Payload

    /// What such a body is called; `application/json`, nothing or anything else is JSON.
    static let protobufType: StaticString = "application/octet-stream"

    /// - Returns: `nil` for anything else.
    init?(_ body: ByteBuffer, isProtobuf: Bool = false) {
        let request = isProtobuf ? Self.protobuf(body) : Self.json(body)
        guard let request else { return nil }
        (session, data) = request
    }

    private static func json(_ body: ByteBuffer) -> (ExactText, Payload)? {
        guard let fields = JSONMembers(body), let session = fields["session"]?.text, let data = fields["data"]?.string
        else { return nil }
        return (session, Payload(text: data))
    }

    /// Fields 2 and 3; as in proto3 the last of each counts, and unknown ones are passed over.
    private static func protobuf(_ body: ByteBuffer) -> (ExactText, Payload)? {
        var (reader, session, data) = (ProtobufReader(body), ExactText?.none, ByteBuffer())
        do throws(ProtobufError) {
            while let field = try reader.next() {
                switch (field.number, field.value) {
                case (2, let value):
                    guard let text = value.text else { return nil }
                    session = ExactText(text)
                case (3, .bytes(let bytes)): data = bytes
                case (3, _): return nil
                default: break
                }
            }
        } catch {
            return nil
        }
        return session.map { ($0, Payload(kind: .binary, bytes: data)) }
    }
}

extension Exchange {
    /// Whether the body of the request is Protobuf.
    var bringsProtobuf: Bool {
        let type = request.headerFields[values: .contentType].first?.prefix { $0 != ";" && $0 != " " } ?? ""
        return type.isToken(EmulationRequest.protobufType)
    }
}
