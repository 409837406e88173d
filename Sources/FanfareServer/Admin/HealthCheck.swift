import AsyncHTTPClient
import FanfareRedis
import FanfareWire
import NIOCore
import NIOPosix

/// Asks a node's admin port over HTTP, for `fanfare health`: a container may have no other HTTP client.
public enum HealthCheck {
    /// What the node said.
    public struct Answer: Sendable {
        /// Whether it was a 200.
        public let isGood: Bool
        /// For a person.
        public let text: String
    }

    /// Where to ask a node whose admin port is bound to `host`: at that address; at loopback of the same family where that is
    /// all addresses.
    static func target(_ host: String) -> String {
        switch NetworkAddress(host).wildcard {
        case .v4: "127.0.0.1"
        case .v6: "::1"
        case nil: host
        }
    }

    /// Asks the node on this machine; answers within three seconds.
    ///
    /// - Parameter host: what the node's admin port is bound to.
    public static func ask(host: String, port: Int, path: String) async -> Answer {
        let url = "http://\(Authority.text(host: target(host), port: port))\(path)"
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        // The error of the one try says why; a container's health check is asked again anyway.
        configuration.connectionPool.retryConnectionEstablishment = false
        do {
            return try await HTTPClient.withHTTPClient(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration
            ) { client in
                let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(3))
                let body = try await response.body.collect(upTo: ServerBounds.healthAnswerBytes)
                return Answer(
                    isGood: response.status == .ok, text: "\(response.status.code) \(String(buffer: body))")
            }
        } catch {
            return Answer(isGood: false, text: "no answer from \(url): \(describe(error))")
        }
    }

    private static func describe(_ error: any Error) -> String {
        switch error as? HTTPClientError {
        case .remoteConnectionClosed?: "connection closed"
        case .connectTimeout?, .deadlineExceeded?: "no answer in time"
        case let error?: error.shortDescription
        case nil: NetworkFailure.describe(error)
        }
    }
}
