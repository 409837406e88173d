import Crypto
import HTTPTypes
import NIOCore

/// The page that sockjs-client loads in a frame from here where the browser lets its own page speak to no other host.
struct SockJSFramePage {
    private let body: ByteBuffer
    private let tag: String

    init(clientURL: String) {
        let page = """
            <!DOCTYPE html>
            <html>
            <head>
              <meta http-equiv="X-UA-Compatible" content="IE=edge" />
              <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
              <script src="\(clientURL)"></script>
              <script>
                document.domain = document.domain;
                SockJS.bootstrap_iframe();
              </script>
            </head>
            <body>
              <h2>Don't panic!</h2>
              <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
            </body>
            </html>
            """
        body = ByteBuffer(string: page)
        let digest = SHA256.hash(data: Array(page.utf8)).prefix(16)
        tag = "\"" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\""
    }

    func answer(_ exchange: Exchange) {
        var fields: HTTPFields = [.eTag: tag]
        fields.addYear(exchange.loop.node.clock)
        let known = exchange.request.headerFields[values: .ifNoneMatch]
        guard !known.contains(where: { $0.utf8.elementsEqual(tag.utf8) }) else {
            return exchange.answer(.notModified, fields)
        }
        fields[.contentType] = "text/html; charset=UTF-8"
        exchange.answer(.ok, fields, body)
    }
}
