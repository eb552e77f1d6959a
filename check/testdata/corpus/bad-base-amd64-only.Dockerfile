# want: BaseLacksPlatform
FROM mysql:5.7
COPY my.cnf /etc/mysql/conf.d/
