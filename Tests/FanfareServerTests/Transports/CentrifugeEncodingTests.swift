import FanfareProtocols
import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Encodings of the Centrifuge protocol")
struct CentrifugeEncodingTests {
    @Test(
        "the subprotocol says what a client speaks, without one the query, and without both it is JSON",
        arguments: [
            (nil, "/connection/websocket", .json), ("centrifuge-protobuf", "/connection/websocket", .protobuf),
            (nil, "/connection/websocket?cf_protocol=protobuf", .protobuf),
            (nil, "/?a=b&cf_protocol=protobuf&c", .protobuf),
            (nil, "/?cf_protocol=json", .json), (nil, "/?cf_protocol=protobuf2", .json),
            (nil, "/?xcf_protocol=protobuf", .json),
            (nil, "/cf_protocol=protobuf", .json), ("centrifuge-json", "/?cf_protocol=protobuf", .json),
            ("centrifuge-protobuf", "/?cf_protocol=json", .protobuf),
        ] as [(ExactText?, String, CentrifugeEncoding)])
    func choice(subprotocol: ExactText?, target: String, encoding: CentrifugeEncoding) {
        #expect(CentrifugeEncoding(subprotocol: subprotocol, target: target) == encoding)
    }
}
