import NIOCore

/// A TCP server in Redis' place that answers every command with an error of a test's choice, or with `+OK`.
public struct WordyRedis: Sendable {
    public let port: Int

    /// Runs `body` with a server that ends with it.
    ///
    /// - Parameter answer: the error for a command, by its verb in upper case; `nil`: `+OK`.
    public static func run<Value>(
        _ answer: @escaping @Sendable (_ verb: String) -> String?, _ body: (WordyRedis) async throws -> Value
    ) async throws -> Value {
        try await withLocalServer(handler: { Answerer(answer) }) { port in try await body(WordyRedis(port: port)) }
    }

    /// Takes whole commands out of what came; each is an array of bulk strings.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: @Sendable (String) -> String?
        private var input = ByteBuffer()

        init(_ answer: @escaping @Sendable (String) -> String?) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input.writeImmutableBuffer(unwrapInboundIn(data))
            var answers = ""
            while let verb = nextVerb() { answers += answer(verb).map { "-\($0)\r\n" } ?? "+OK\r\n" }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answers)), promise: nil)
        }

        private func nextVerb() -> String? {
            var rest = input
            guard let count = number(&rest, after: "*") else { return nil }
            var verb = ""
            for index in 0..<count {
                guard let length = number(&rest, after: "$"), let text = rest.readString(length: length),
                    rest.readBytes(length: 2) != nil
                else { return nil }
                if index == 0 { verb = text.uppercased() }
            }
            input = rest
            return verb
        }

        private func number(_ rest: inout ByteBuffer, after mark: Unicode.Scalar) -> Int? {
            guard rest.readInteger(as: UInt8.self) == UInt8(ascii: mark),
                let end = rest.readableBytesView.firstIndex(of: 0x0D),
                let text = rest.readString(length: end - rest.readerIndex), rest.readBytes(length: 2) != nil
            else { return nil }
            return Int(text)
        }
    }
}
