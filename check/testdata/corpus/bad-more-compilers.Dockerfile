FROM debian:bookworm
# want: BuildNamesPlatform
RUN ./configure --host=x86_64-linux-musl && make
# want: BuildNamesPlatform
RUN CC=x86_64-linux-gnu-gcc make
RUN CC=clang CFLAGS=-O2 ./configure --build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)" && make
# want: PathNamesPlatform
RUN docker-php-ext-configure ldap --with-libdir=lib/x86_64-linux-gnu/ && docker-php-ext-install ldap
RUN docker-php-ext-configure ldap --with-libdir="lib/$(gcc -dumpmachine)"
# want: BuildNamesPlatform
RUN python3 -m pip install --platform=manylinux2014_x86_64 --only-binary=:all: -t /wheels numpy
# want: BuildNamesPlatform
RUN dotnet publish -p:RuntimeIdentifier=linux-x64 -o /app
# want: PackageNamesPlatform
RUN add-apt-repository "deb [arch=amd64] https://download.docker.com/linux/debian bookworm stable"
