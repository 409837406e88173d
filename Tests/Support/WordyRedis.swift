import NIOCore
import NIOPosix
import Synchronization

/// A TCP server in Redis' place that answers every command with an error of a test's choice, or with `+OK`.
public final class WordyRedis: Sendable {
    private let answer: @Sendable (_ verb: String) -> String?
    private let channel = Mutex<(any Channel)?>(nil)

    private init(_ answer: @escaping @Sendable (String) -> String?) { self.answer = answer }

    public var port: Int { channel.withLock { $0?.localAddress?.port } ?? 0 }

    /// Runs `body` with a server that ends with it.
    ///
    /// - Parameter answer: the error for a command, by its verb in upper case; `nil`: `+OK`.
    public static func run<Value>(
        _ answer: @escaping @Sendable (_ verb: String) -> String?, _ body: (WordyRedis) async throws -> Value
    ) async throws -> Value {
        let server = WordyRedis(answer)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answerer(server: server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.channel.withLock { $0 = channel }
        do {
            let value = try await body(server)
            try await channel.close()
            return value
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// Takes whole commands out of what came; each is an array of bulk strings.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: WordyRedis
        private var input = ByteBuffer()

        init(server: WordyRedis) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input.writeImmutableBuffer(unwrapInboundIn(data))
            var answers = ""
            while let verb = nextVerb() { answers += server.answer(verb).map { "-\($0)\r\n" } ?? "+OK\r\n" }
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
