import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix

/// Where a key set comes from: a file, or a URL of the provider.
public enum KeySetLocation: Sendable, Equatable, CustomStringConvertible {
    /// A path on this machine.
    case file(String)
    /// `https://…`, or `http://…` where the way to it is trusted.
    case url(String)

    public init(_ text: String) {
        self = text.hasPrefix("https://") || text.hasPrefix("http://") ? .url(text) : .file(text)
    }

    /// For logs: without what a URL may carry besides the place.
    public var description: String {
        switch self {
        case .file(let path): return path
        case .url(let text):
            guard var parts = URLComponents(string: text) else { return "a URL" }
            (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
            return parts.string ?? "a URL"
        }
    }
}

/// Reads a key set, bounded in bytes and time.
enum KeySetLoader {
    static func load(_ location: KeySetLocation) async throws(TokenKeyError) -> KeySet {
        try await KeySet.read(bytes(location))
    }

    private static func bytes(_ location: KeySetLocation) async throws(TokenKeyError) -> ByteBuffer {
        switch location {
        case .file(let path): return try SecretFile.bytes(path, limit: maximumBytes)
        case .url(let url): return try await fetch(url)
        }
    }

    /// A client for this one request: they are minutes apart, and nothing of it has to be shut down with the node. No
    /// redirects: the operator named the one place that is trusted.
    private static func fetch(_ url: String) async throws(TokenKeyError) -> ByteBuffer {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(2), read: .seconds(5))
        do {
            return try await HTTPClient.withHTTPClient(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration
            ) { client in
                var request = HTTPClientRequest(url: url)
                request.headers.add(name: "Accept", value: "application/jwk-set+json, application/json")
                let response = try await client.execute(request, timeout: TimeAmount(timeout))
                guard response.status == .ok else {
                    throw TokenKeyError.unreachable("the answer has status \(response.status.code)")
                }
                return try await response.body.collect(upTo: maximumBytes)
            }
        } catch let error as TokenKeyError {
            throw error
        } catch is NIOTooManyBytesError {
            throw .tooBig
        } catch let error as HTTPClientError {
            throw .unreachable(error.shortDescription)
        } catch is NIOConnectionError {
            throw .unreachable("cannot connect")
        } catch {
            throw .unreachable("\(type(of: error))")
        }
    }
}
