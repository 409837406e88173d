import FanfareWire
import HTTPTypes
import NIOCore

/// The body of `POST /emulation`: `{"session":"…","node":"…","data":"…"}` (`client.proto`: EmulationRequest). The data is what
/// would be a WebSocket message. The node is passed over, for the session says where it is.
struct EmulationRequest {
    let session: ExactText
    let data: Payload

    /// - Returns: `nil` for anything else.
    init?(_ body: ByteBuffer) {
        guard let fields = JSONMembers(body), let session = fields["session"]?.text, let data = fields["data"]?.string
        else { return nil }
        self.session = session
        self.data = Payload(text: data)
    }

    /// What becomes of the bodies of requests with commands: no larger than a message may be.
    ///
    /// - Returns: `nil`: the request was refused.
    static func body(of exchange: Exchange) -> BodyUse? {
        // Else Protobuf would be taken for broken JSON.
        guard exchange.request.headerFields[values: .contentType].first != "application/octet-stream" else {
            exchange.refuse(.badRequest, .unsupportedMediaType, "only JSON is spoken here")
            return nil
        }
        return .kept(limit: exchange.limits.maxMessageBytes)
    }
}
