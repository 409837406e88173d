import NIOCore
import NIOPosix

/// What the nodes say of themselves at `/metrics`.
struct ServerUsage: Sendable, Equatable {
    /// User and system since their start, all nodes together.
    var cpuSeconds = 0.0
    /// All nodes together.
    var residentBytes = 0.0

    /// Reads an exposition; `nil` when a metric is not there.
    static func read(_ text: String) -> ServerUsage? {
        var usage = ServerUsage()
        var found = 0
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count >= 2, let value = Double(parts[1]) else { continue }
            switch parts[0] {
            case "process_cpu_seconds_total": usage.cpuSeconds = value
            case "process_resident_memory_bytes": usage.residentBytes = value
            default: continue
            }
            found += 1
        }
        return found == 2 ? usage : nil
    }

    /// Asks all nodes; `nil` when there are none.
    static func ask(_ endpoints: [Endpoint]) async throws -> ServerUsage? {
        guard !endpoints.isEmpty else { return nil }
        var total = ServerUsage()
        for endpoint in endpoints {
            let url = "--metrics-url \(endpoint.text)\(endpoint.path ?? "/metrics")"
            let answer: HTTPAnswer
            do {
                answer = try await Asker.ask(endpoint)
            } catch {
                throw BenchFailure("\(url): \(ConnectFailure.describe(error))")
            }
            guard answer.status == 200, let usage = read(String(buffer: answer.body)) else {
                throw BenchFailure(
                    "\(url) answered \(answer.status) without process_cpu_seconds_total and "
                        + "process_resident_memory_bytes: it must be a node's admin port")
            }
            total.cpuSeconds += usage.cpuSeconds
            total.residentBytes += usage.residentBytes
        }
        return total
    }
}

/// One request, one answer.
private final class Asker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let patience = Duration.seconds(5)
    private let endpoint: Endpoint
    private let answer: EventLoopPromise<HTTPAnswer>
    private var input = ByteBuffer()

    private init(_ endpoint: Endpoint, answer: EventLoopPromise<HTTPAnswer>) {
        self.endpoint = endpoint
        self.answer = answer
    }

    static func ask(_ endpoint: Endpoint) async throws -> HTTPAnswer {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let connector = try Connector(endpoint, timeout: patience)
        return try await eventLoop.flatSubmit {
            let answer = eventLoop.makePromise(of: HTTPAnswer.self)
            let timeout = eventLoop.scheduleTask(in: .microseconds(patience.microseconds)) {
                answer.fail(BenchFailure("no answer in time"))
            }
            connector.connect(on: eventLoop) { Asker(endpoint, answer: answer) }.whenFailure { answer.fail($0) }
            return answer.futureResult.always { _ in timeout.cancel() }
        }.get()
    }

    func channelActive(context: ChannelHandlerContext) {
        let path = endpoint.path ?? "/metrics"
        let request = "GET \(path) HTTP/1.1\r\nHost: \(endpoint.authority)\r\nConnection: close\r\n\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.writeImmutableBuffer(unwrapInboundIn(data))
        do throws(HTTPAnswer.Mistake) {
            guard let whole = try HTTPAnswer.read(&input) else { return }
            answer.succeed(whole)
        } catch {
            answer.fail(error)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { answer.fail(BenchFailure("connection closed")) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.fail(error) }
}
